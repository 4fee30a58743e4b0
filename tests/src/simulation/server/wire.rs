//! The wire protocol of PostgreSQL (version 3), as much of it as the client library speaks, and values in binary form.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

/// What a client sends.
#[derive(Debug)]
pub enum Front {
    Startup,
    Encrypt,
    Parse { name: Vec<u8>, sql: String },
    Describe { name: Vec<u8> },
    Bind { statement: Vec<u8>, values: Vec<Value> },
    Execute,
    Close,
    Sync,
    Query(String),
    Terminate,
}

/// One value in binary form; `None` is NULL.
pub type Value = Option<Vec<u8>>;
/// One row of values.
pub type Row = Vec<Value>;

/// One end of a connection, without waiting.
pub struct Link {
    stream: UnixStream,
    bytes: Vec<u8>,
    started: bool,
    /// The client closed its end.
    pub ended: bool,
}

impl Link {
    pub fn new(stream: UnixStream) -> Self {
        stream.set_nonblocking(true).unwrap();
        Self { stream, bytes: Vec::new(), started: false, ended: false }
    }

    /// The messages that arrived since the last time.
    pub fn read(&mut self) -> Vec<Front> {
        let mut chunk = [0; 16 * 1024];
        while !self.ended {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.ended = true,
                Ok(read) => self.bytes.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_reset) => self.ended = true,
            }
        }
        std::iter::from_fn(|| self.next()).collect()
    }

    fn next(&mut self) -> Option<Front> {
        let head = if self.started { 1 } else { 0 };
        let length = u32::from_be_bytes(self.bytes.get(head..head + 4)?.try_into().unwrap()) as usize;
        if self.bytes.len() < head + length {
            return None;
        }
        let rest = self.bytes.split_off(head + length);
        let message = std::mem::replace(&mut self.bytes, rest);
        let body = &message[head + 4..];
        if !self.started {
            self.started = body[..4] == 196_608u32.to_be_bytes();
            return Some(if self.started { Front::Startup } else { Front::Encrypt });
        }
        Some(front(message[0], body))
    }

    /// Ends the connection, both ways.
    pub fn close(&mut self) {
        self.ended = true;
        let _gone = self.stream.shutdown(std::net::Shutdown::Both);
    }

    /// Sends bytes; `false` when nobody is there any more.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }
}

fn front(kind: u8, body: &[u8]) -> Front {
    let mut at = Cursor(body);
    match kind {
        b'P' => Front::Parse { name: at.word(), sql: String::from_utf8(at.word()).unwrap() },
        b'D' => Front::Describe { name: at.bytes(1).and(Some(at.word())).unwrap() },
        b'B' => {
            let (_portal, statement) = (at.word(), at.word());
            let formats = at.u16();
            (0..formats).for_each(|_| assert_eq!(at.u16(), 1, "a parameter that is not binary"));
            let values = (0..at.u16()).map(|_| at.value()).collect();
            Front::Bind { statement, values }
        }
        b'E' => Front::Execute,
        b'C' => Front::Close,
        b'S' => Front::Sync,
        b'Q' => Front::Query(String::from_utf8(at.word()).unwrap()),
        b'X' => Front::Terminate,
        other => panic!("a message `{}` that this server does not know", other as char),
    }
}

struct Cursor<'b>(&'b [u8]);

impl Cursor<'_> {
    fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken.to_vec())
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes(2).unwrap().try_into().unwrap())
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.bytes(4).unwrap().try_into().unwrap())
    }

    fn value(&mut self) -> Value {
        let length = self.i32();
        usize::try_from(length).ok().map(|length| self.bytes(length).unwrap())
    }

    /// Up to a zero byte.
    fn word(&mut self) -> Vec<u8> {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap();
        let word = self.bytes(end).unwrap();
        self.0 = &self.0[1..];
        word
    }
}

/// The values of an array.
pub fn array(value: &Value) -> Vec<Value> {
    let mut at = Cursor(value.as_deref().unwrap());
    if at.i32() == 0 {
        return Vec::new();
    }
    let (_nulls, _type) = (at.i32(), at.i32());
    let (count, _from) = (at.i32(), at.i32());
    (0..count).map(|_| at.value()).collect()
}

/// A whole number of two, four or eight bytes.
pub fn number(value: &Value) -> i64 {
    let bytes = value.as_deref().unwrap();
    match bytes.len() {
        2 => i64::from(i16::from_be_bytes(bytes.try_into().unwrap())),
        4 => i64::from(i32::from_be_bytes(bytes.try_into().unwrap())),
        _ => i64::from_be_bytes(bytes.try_into().unwrap()),
    }
}

/// Eight bytes.
pub fn long(number: i64) -> Value {
    Some(number.to_be_bytes().to_vec())
}

/// Two bytes.
pub fn short(number: i64) -> Value {
    Some(i16::try_from(number).unwrap().to_be_bytes().to_vec())
}

/// An array of values of one type, by its letter in [`columns`]; NULL without any, as `array_agg` gives it.
pub fn list(letter: u8, values: &[Value]) -> Value {
    if values.is_empty() {
        return None;
    }
    let (oid, _size) = type_of(letter);
    // Dimensions, whether any is NULL, the type of the elements, how many, the number of the first.
    let head = [1, 0, oid, values.len() as u32, 1];
    let mut out: Vec<u8> = head.iter().flat_map(|number: &u32| number.to_be_bytes()).collect();
    values.iter().for_each(|value| put(&mut out, value));
    Some(out)
}

/// True or false.
pub fn truth(is: bool) -> Value {
    Some(vec![u8::from(is)])
}

/// A message of the server.
pub fn message(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.push(kind);
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(body);
}

/// What greets a client: no password, some server, ready.
pub fn greeting(out: &mut Vec<u8>) {
    message(out, b'R', &0u32.to_be_bytes());
    message(out, b'S', b"server_version\x0015.0\0");
    message(out, b'K', &[0; 8]);
    ready(out, b'I');
}

/// Ready for the next; `I` idle, `T` in a transaction, `E` in a failed one.
pub fn ready(out: &mut Vec<u8>, status: u8) {
    message(out, b'Z', &[status]);
}

/// Number and size of a type: `s` smallint, `i` integer, `l` bigint, `t` text, `b` bytea, `o` boolean, `v` void; a capital
/// is an array of it.
fn type_of(letter: u8) -> (u32, i16) {
    match letter {
        b's' => (21, 2),
        b'i' => (23, 4),
        b'l' => (20, 8),
        b't' => (25, -1),
        b'b' => (17, -1),
        b'o' => (16, 1),
        b'v' => (2278, 4),
        b'S' => (1005, -1),
        b'L' => (1016, -1),
        b'T' => (1009, -1),
        b'B' => (1001, -1),
        other => panic!("a type `{}` that this server does not know", other as char),
    }
}

/// The columns of a statement, by the letters of their types and by their names; one without a name is nobody's.
pub fn columns(out: &mut Vec<u8>, types: &str, names: &[&str]) {
    if types.is_empty() {
        return message(out, b'n', &[]);
    }
    let mut body = (types.len() as u16).to_be_bytes().to_vec();
    for (at, letter) in types.bytes().enumerate() {
        let (oid, size) = type_of(letter);
        body.extend_from_slice(names.get(at).unwrap_or(&"c").as_bytes());
        body.push(0);
        body.extend_from_slice(&[0; 6]);
        body.extend_from_slice(&oid.to_be_bytes());
        body.extend_from_slice(&size.to_be_bytes());
        body.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 0]);
    }
    message(out, b'T', &body);
}

/// One row.
pub fn row(out: &mut Vec<u8>, row: &Row) {
    let mut body = (row.len() as u16).to_be_bytes().to_vec();
    row.iter().for_each(|value| put(&mut body, value));
    message(out, b'D', &body);
}

/// One value with its length.
fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        None => out.extend_from_slice(&(-1i32).to_be_bytes()),
        Some(bytes) => {
            out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            out.extend_from_slice(bytes);
        }
    }
}

/// An error of the server.
pub fn error(out: &mut Vec<u8>, code: &str) {
    let body = format!("SERROR\0VERROR\0C{code}\0Msimulated\0\0");
    message(out, b'E', body.as_bytes());
}
