//! Waits until a connection has said which protocol it speaks.

use std::io;

use bytes::BytesMut;
use holdfast_raft::net::Connection;
use tokio::io::AsyncReadExt as _;

use super::HEAD_DURATION_MAX;

/// Room for what a connection says first: most heads fit.
const FIRST_BYTES: usize = 1024;

/// How a connection of HTTP/2 begins (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Waits until a connection has said which protocol it speaks; the server itself would wait for ever. What it said is
/// still to be read.
pub(super) async fn wait_until_awake(connection: &mut Connection) -> io::Result<()> {
    let mut first = BytesMut::with_capacity(FIRST_BYTES);
    let read = async {
        while first.len() < PREFACE.len() && PREFACE.starts_with(&first) {
            if connection.read_buf(&mut first).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
        }
        Ok(())
    };
    tokio::time::timeout(HEAD_DURATION_MAX, read).await??;
    connection.put_back(first);
    Ok(())
}
