//! A socket whose answers must be taken in time: a client that asks and never reads would
//! otherwise keep its connection, and the answer in memory, for ever.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The time runs from the moment that the client first falls behind to the moment that all of
/// the answer is with the system. It covers the whole answer, so that a client cannot stretch it
/// by taking a byte now and then.
pub(crate) struct AnswerSocket<S> {
    stream: S,
    limit: Duration,
    behind: Option<Pin<Box<Sleep>>>,
}

impl<S> AnswerSocket<S> {
    pub(crate) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, behind: None }
    }

    /// Lets what the stream said pass; while it cannot take more, the time runs.
    fn within_limit<T>(
        &mut self,
        said: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if said.is_ready() {
            return said;
        }
        let limit = self.limit;
        let behind = self.behind.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(behind.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for AnswerSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AnswerSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let said = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.within_limit(said, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let said = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.within_limit(said, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked for only when all has been written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let said = Pin::new(&mut self.stream).poll_flush(context);
        let said = self.within_limit(said, context);
        if let Poll::Ready(Ok(())) = said {
            self.behind = None;
        }
        said
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let said = Pin::new(&mut self.stream).poll_shutdown(context);
        self.within_limit(said, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn a_reader_that_takes_nothing_ends_the_write() {
        let (near, _far) = duplex(64);
        let mut socket = AnswerSocket::new(near, Duration::from_millis(50));
        let error = socket.write_all(&[7; 1_000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_reader_that_takes_a_byte_now_and_then_ends_the_write_too() {
        let (near, mut far) = duplex(1);
        let mut socket = AnswerSocket::new(near, Duration::from_millis(200));
        let reader = tokio::spawn(async move {
            while far.read_u8().await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        });
        let error = socket.write_all(&[7; 10_000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        reader.abort();
    }

    #[tokio::test]
    async fn time_between_answers_does_not_count() {
        let (near, mut far) = duplex(64);
        let mut socket = AnswerSocket::new(near, Duration::from_secs(2));
        let reader = tokio::spawn(async move {
            let mut taken = Vec::new();
            far.read_to_end(&mut taken).await.map(|_| taken.len())
        });
        for _ in 0..3 {
            socket.write_all(&[7; 1_000]).await.unwrap();
            socket.flush().await.unwrap();
            assert!(socket.behind.is_none());
        }
        drop(socket);
        assert_eq!(reader.await.unwrap().unwrap(), 3_000);
    }
}
