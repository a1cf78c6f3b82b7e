//! Servers on this machine alone, well-behaved and not, for the tests of fetching.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::time::Duration;

use ureq::Agent;

/// A client that asks no proxy and waits this long for everything together.
pub(crate) fn agent(patience: Duration) -> Agent {
    let config = Agent::config_builder().proxy(None);
    Agent::new_with_config(config.timeout_global(Some(patience)).build())
}

/// Long enough for any machine under load.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);
/// For servers that never say anything.
pub(crate) const IMPATIENT: Duration = Duration::from_millis(500);

/// Answers every request with these bytes and hangs up; gives the address.
pub(crate) fn serve(answer: &[u8]) -> String {
    listen(answer, false)
}

/// Answers every request with these bytes and never hangs up.
pub(crate) fn serve_and_hang(answer: &[u8]) -> String {
    listen(answer, true)
}

/// `200 OK` with a body.
pub(crate) fn whole_answer(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The thread lives as long as the test's process: it owns nothing but a port.
fn listen(answer: &[u8], hang: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = answer.to_vec();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&answer);
            if hang {
                kept.push(stream);
            } else {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    });
    format!("http://{address}/data.zip")
}
