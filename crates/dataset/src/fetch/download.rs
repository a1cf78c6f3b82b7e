//! Files from a web server.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use gannet_core::Progress;
use ureq::Agent;

use super::error::FetchError;

/// How long a server may take to accept a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long it may take to begin its answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
/// How long a whole download may take.
const DOWNLOAD_TIME_MAX: Duration = Duration::from_secs(300);
/// How many bytes pass between two words to the progress display.
const CHUNK_BYTES: usize = 1 << 16;

/// A client for strangers' servers: 5 s to connect, 15 s to begin the answer, 300 s in all.
pub(crate) fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_resolve(Some(CONNECT_TIME_MAX))
        .timeout_connect(Some(CONNECT_TIME_MAX))
        .timeout_recv_response(Some(ANSWER_TIME_MAX))
        .timeout_global(Some(DOWNLOAD_TIME_MAX));
    Agent::new_with_config(config.build())
}

/// Writes what an address answers into a file; more than `bytes_max` is an error.
pub(crate) fn download(
    agent: &Agent,
    url: &str,
    bytes_max: u64,
    target: &Path,
    progress: &dyn Progress,
) -> Result<(), FetchError> {
    progress.begin(&format!("downloading {url}"), None, "bytes");
    let transferred = transfer(agent, url, bytes_max, target, progress);
    progress.end();
    transferred
}

fn transfer(
    agent: &Agent,
    url: &str,
    bytes_max: u64,
    target: &Path,
    progress: &dyn Progress,
) -> Result<(), FetchError> {
    let failed = |reason: String| FetchError::Download { url: url.to_owned(), reason };
    let answer = agent.get(url).call();
    let mut body = answer.map_err(|error| failed(error.to_string()))?.into_body();
    progress.begin(&format!("downloading {url}"), body.content_length(), "bytes");
    let mut reader = body.with_config().limit(bytes_max).reader();
    let mut file = File::create(target).map_err(|source| FetchError::io(target, source))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = reader.read(&mut chunk).map_err(|error| failed(error.to_string()))?;
        if read == 0 {
            return Ok(());
        }
        file.write_all(&chunk[..read]).map_err(|source| FetchError::io(target, source))?;
        progress.advance(read as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::super::loopback::{self, IMPATIENT, PATIENT, serve, serve_and_hang};
    use super::*;
    use gannet_core::Silent;
    use std::time::Instant;

    fn fetch(answer: &[u8], bytes_max: u64) -> (Result<(), FetchError>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let url = serve(answer);
        let result = download(&loopback::agent(PATIENT), &url, bytes_max, &target, &Silent);
        (result, std::fs::read(&target).unwrap_or_default())
    }

    fn reason(answer: &[u8], bytes_max: u64) -> String {
        match fetch(answer, bytes_max).0 {
            Err(FetchError::Download { url, reason }) => {
                assert!(url.starts_with("http://127.0.0.1:"), "{url}");
                reason
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_server_sends_is_what_is_written() {
        let (result, written) = fetch(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndata", 4);
        result.unwrap();
        assert_eq!(written, b"data");
    }

    #[test]
    fn a_refusal_a_torn_body_and_one_too_large_are_told_apart() {
        let refusal = reason(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 9);
        assert!(refusal.contains("404"), "{refusal}");
        reason(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nda", 900);
        let large = reason(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789", 9);
        assert!(large.contains("limit"), "{large}");
        reason(b"not a web server\r\n\r\n", 9);
    }

    #[test]
    fn a_server_that_never_answers_and_one_that_stalls_end_with_the_patience() {
        let start = Instant::now();
        for silent in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nda"] {
            let url = serve_and_hang(silent);
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("file");
            let result = download(&loopback::agent(IMPATIENT), &url, 900, &target, &Silent);
            let Err(FetchError::Download { reason, .. }) = result else { panic!("{result:?}") };
            assert!(reason.contains("timeout"), "{reason}");
        }
        assert!(start.elapsed().as_secs() < 10, "waited {:?}", start.elapsed());
    }

    #[test]
    fn a_port_that_nobody_listens_to_is_an_error_at_once() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("http://{port}/");
        let result =
            download(&loopback::agent(PATIENT), &url, 9, &folder.path().join("file"), &Silent);
        assert!(matches!(result, Err(FetchError::Download { .. })), "{result:?}");
    }
}
