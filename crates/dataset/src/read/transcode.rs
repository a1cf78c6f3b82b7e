//! A file in any encoding, read as UTF-8.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding};

/// Bytes taken from the file at once.
const INPUT_BYTES: usize = 1 << 16;

/// Turns another encoding into UTF-8 while it is read. What is not valid comes out as U+FFFD,
/// which the readers refuse with the row that it stands in.
pub(crate) struct Transcoded<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_start: usize,
    at_end: bool,
    finished: bool,
    decoded: Vec<u8>,
    decoded_start: usize,
}

impl<R: Read> Transcoded<R> {
    pub(crate) fn new(input: R, encoding: &'static Encoding) -> Self {
        Self {
            input,
            decoder: encoding.new_decoder(),
            raw: Vec::new(),
            raw_start: 0,
            at_end: false,
            finished: false,
            decoded: Vec::new(),
            decoded_start: 0,
        }
    }

    fn decode_more(&mut self) -> io::Result<()> {
        if self.raw_start == self.raw.len() && !self.at_end {
            self.raw.resize(INPUT_BYTES, 0);
            let read = self.input.read(&mut self.raw)?;
            self.raw.truncate(read);
            self.raw_start = 0;
            self.at_end = read == 0;
        }
        self.decoded.resize(INPUT_BYTES * 3, 0);
        let input = &self.raw[self.raw_start..];
        let (result, taken, written, _) =
            self.decoder.decode_to_utf8(input, &mut self.decoded, self.at_end);
        self.raw_start += taken;
        self.decoded.truncate(written);
        self.decoded_start = 0;
        self.finished = self.at_end && result == encoding_rs::CoderResult::InputEmpty;
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.decoded_start == self.decoded.len() {
            if self.finished {
                return Ok(0);
            }
            self.decode_more()?;
        }
        let pending = &self.decoded[self.decoded_start..];
        let count = pending.len().min(into.len());
        into[..count].copy_from_slice(&pending[..count]);
        self.decoded_start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, so that every character is cut in two.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn characters_cut_between_reads_come_out_whole() {
        let text = "召回层|一路\n".repeat(3);
        let (bytes, encoding, _) = encoding_rs::GBK.encode(&text);
        let mut out = String::new();
        Transcoded::new(Drip(&bytes), encoding).read_to_string(&mut out).unwrap();
        assert_eq!(out, text);
    }

    #[test]
    fn a_torn_character_at_the_end_is_marked_and_not_dropped() {
        let mut out = String::new();
        Transcoded::new(&b"ab\xc8"[..], encoding_rs::GBK).read_to_string(&mut out).unwrap();
        assert_eq!(out, "ab\u{fffd}");
    }
}
