//! The one home of bincode: how values become bytes, and the envelope that lets bytes outlive the code that wrote them.
//!
//! | part | bytes | meaning |
//! | --- | --- | --- |
//! | format | 1 | how the body is written; 1 is bincode 2 with its standard settings |
//! | version | 1 | of the shape inside; every reader knows all versions ever written |
//! | length | 1 to 5 | of the body, as an unsigned LEB128 |
//! | body | length | |
//! | checksum | 4 | CRC32C of all before it, little-endian |
//!
//! bincode is unmaintained (RUSTSEC-2025-0141): another format would get another number here, and nothing else would change.

use bincode::config::{Configuration, Limit};
use bincode::serde::{decode_from_slice, encode_into_std_write};
use bytes::Bytes;
use holdfast_reservations::{Entry, Request, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest value a reader makes: more than any log entry, little enough that damage cannot exhaust memory.
const VALUE_BYTES_MAX: usize = 64 << 20;

/// bincode 2, standard settings: little-endian, variable-length integers.
const FORMAT_BINCODE: u8 = 1;

/// The version of [`Entry`] and of every command in it.
pub const ENTRY_VERSION: u8 = 1;

const CHECKSUM_BYTES: usize = 4;

const SETTINGS: Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    Limit<VALUE_BYTES_MAX>,
> = bincode::config::standard().with_limit::<VALUE_BYTES_MAX>();

/// Why bytes are not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The envelope is cut short or longer than its contents.
    #[error("{found} bytes where the envelope says {expected}")]
    Length {
        /// What the envelope says.
        expected: usize,
        /// What is there.
        found: usize,
    },
    /// The bytes were damaged.
    #[error("the checksum is {found:08x}, the envelope says {expected:08x}")]
    Checksum {
        /// What the envelope says.
        expected: u32,
        /// What the bytes give.
        found: u32,
    },
    /// Written by a version of Holdfast that this one does not know.
    #[error("format {format}, version {version}: written by a newer Holdfast?")]
    Unknown {
        /// The format byte.
        format: u8,
        /// The version byte.
        version: u8,
    },
    /// The body is not such a value, though its checksum is right.
    #[error("not such a value: {0}")]
    Malformed(String),
}

/// Appends an envelope around a value.
pub fn encode(version: u8, value: &impl Serialize, into: &mut Vec<u8>) -> Result<(), CodecError> {
    encode_raw(version, &encode_bare(value)?, into);
    Ok(())
}

/// The value in an envelope of this version.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], version: u8) -> Result<T, CodecError> {
    let (found, body) = open(bytes)?;
    if found != version {
        return Err(CodecError::Unknown { format: FORMAT_BINCODE, version: found });
    }
    decode_bare(body)
}

/// The version in an envelope.
pub fn version(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [FORMAT_BINCODE, version, ..] => Some(*version),
        _ => None,
    }
}

/// A request as it stands inside an entry. Whoever batches requests puts such pieces together, so that a request is
/// encoded once on its whole way.
pub fn encode_request(request: &Request) -> Result<Bytes, CodecError> {
    encode_bare(request).map(Bytes::from)
}

/// The request in a piece.
pub fn decode_request(bytes: &[u8]) -> Result<Request, CodecError> {
    decode_bare(bytes)
}

/// An entry made of encoded requests: byte for byte what encoding the whole [`Entry`] gives.
pub fn encode_entry(proposed_at: Timestamp, requests: &[Bytes]) -> Result<Bytes, CodecError> {
    let mut body = Vec::with_capacity(requests.iter().map(Bytes::len).sum::<usize>() + 16);
    write_bare(&(proposed_at, requests.len()), &mut body)?;
    for request in requests {
        body.extend_from_slice(request);
    }
    let mut bytes = Vec::with_capacity(body.len() + 12);
    encode_raw(ENTRY_VERSION, &body, &mut bytes);
    Ok(bytes.into())
}

/// The entry in an envelope.
pub fn decode_entry(bytes: &[u8]) -> Result<Entry, CodecError> {
    decode(bytes, ENTRY_VERSION)
}

/// The bytes of a value without an envelope, for pieces of something that has one.
pub fn encode_bare(value: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(64);
    write_bare(value, &mut bytes)?;
    Ok(bytes)
}

/// The value that these bytes are, all of them.
pub fn decode_bare<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let malformed = |error: bincode::error::DecodeError| CodecError::Malformed(error.to_string());
    let (value, used) = decode_from_slice(bytes, SETTINGS).map_err(malformed)?;
    // bincode itself ignores what is left over.
    if used == bytes.len() {
        Ok(value)
    } else {
        Err(CodecError::Length { expected: used, found: bytes.len() })
    }
}

fn write_bare(value: &impl Serialize, into: &mut Vec<u8>) -> Result<(), CodecError> {
    let malformed = |error: bincode::error::EncodeError| CodecError::Malformed(error.to_string());
    encode_into_std_write(value, into, SETTINGS).map(drop).map_err(malformed)
}

/// Appends an envelope around bytes that are a body already.
pub fn encode_raw(version: u8, body: &[u8], into: &mut Vec<u8>) {
    let start = into.len();
    into.extend_from_slice(&[FORMAT_BINCODE, version]);
    let mut length = body.len();
    while length >= 0x80 {
        into.push(0x80 | (length & 0x7f) as u8);
        length >>= 7;
    }
    into.push(length as u8);
    into.extend_from_slice(body);
    let checksum = crc32c::crc32c(&into[start..]);
    into.extend_from_slice(&checksum.to_le_bytes());
}

fn open(bytes: &[u8]) -> Result<(u8, &[u8]), CodecError> {
    let [format, version, rest @ ..] = bytes else {
        return Err(CodecError::Length { expected: 2, found: bytes.len() });
    };
    if *format != FORMAT_BINCODE {
        return Err(CodecError::Unknown { format: *format, version: *version });
    }
    let (length, rest) = read_length(rest)?;
    let Some((body, checksum)) = rest.split_last_chunk::<CHECKSUM_BYTES>() else {
        return Err(CodecError::Length { expected: CHECKSUM_BYTES, found: rest.len() });
    };
    if body.len() != length {
        return Err(CodecError::Length { expected: length, found: body.len() });
    }
    let expected = u32::from_le_bytes(*checksum);
    let found = crc32c::crc32c(&bytes[..bytes.len() - CHECKSUM_BYTES]);
    if found != expected {
        return Err(CodecError::Checksum { expected, found });
    }
    Ok((*version, body))
}

fn read_length(bytes: &[u8]) -> Result<(usize, &[u8]), CodecError> {
    let mut length = 0;
    for (position, byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            return Ok((length, &bytes[position + 1..]));
        }
    }
    Err(CodecError::Length { expected: 5, found: bytes.len() })
}
