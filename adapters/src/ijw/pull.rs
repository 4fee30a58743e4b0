//! Pulling elements out of XML one by one: exactly the expected one, in its namespace, or a fault with its place.
//!
//! Document types, processing instructions, byte order marks, unknown entities and other encodings than UTF-8 are
//! refused; comments are passed over. One token may take 64 KiB, the file 25 MiB.

use super::FILE_BYTES_MAX;
use super::fault::Jw323Fault;
use super::text::{BASE_NS, MESSAGE_NS};
use quick_xml::NsReader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use std::io::{BufRead, Error, Read};

/// The greatest size of one token in bytes: no element of a declaration comes near it.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;

/// Which of the two schemas declares an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Message,
    Base,
}

/// What comes next, comments left out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Start(Option<Space>, String),
    Text(String),
    End,
    Eof,
}

/// A source that counts lines and bytes, and gives up beyond the limits.
struct Counted<R> {
    inner: R,
    lines: u64,
    bytes: u64,
    token_bytes: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let taken = (&mut &*available).read(buffer)?;
        self.consume(taken);
        Ok(taken)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.bytes > FILE_BYTES_MAX {
            return Err(Error::other("the file is larger than 25 MiB: split the declaration"));
        }
        if self.token_bytes > TOKEN_BYTES_MAX {
            return Err(Error::other("an element is larger than 64 KiB"));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(buffer) = self.inner.fill_buf() {
            let taken = buffer.iter().take(amount);
            self.lines += taken.filter(|b| **b == b'\n').count() as u64;
        }
        self.bytes += amount as u64;
        self.token_bytes += amount as u64;
        self.inner.consume(amount);
    }
}

/// The puller: knows where in the file and in the tree it stands.
pub(super) struct Puller<R> {
    xml: NsReader<Counted<R>>,
    buffer: Vec<u8>,
    path: Vec<&'static str>,
    ahead: Option<Token>,
    started: bool,
}

impl<R: BufRead> Puller<R> {
    /// Begins at the first byte, which must not be that of a byte order mark.
    pub(super) fn new(mut source: R) -> Result<Self, Jw323Fault> {
        let mark = source.fill_buf().is_ok_and(|first| first.starts_with(&[0xef]) || first.starts_with(&[0xff, 0xfe]));
        let mut xml = NsReader::from_reader(Counted { inner: source, lines: 0, bytes: 0, token_bytes: 0 });
        xml.config_mut().expand_empty_elements = true;
        let puller = Self { xml, buffer: Vec::new(), path: Vec::new(), ahead: None, started: false };
        if mark {
            return Err(puller.fault("OP192", "the file begins with a byte order mark: write UTF-8 without one"));
        }
        Ok(puller)
    }

    /// A fault at the present place.
    pub(super) fn fault(&self, rule: &'static str, text: impl Into<String>) -> Jw323Fault {
        let line = self.xml.get_ref().lines + 1;
        Jw323Fault { line, path: format!("/{}", self.path.join("/")), rule, text: text.into() }
    }

    /// A fault in a child of the present element.
    pub(super) fn fault_in(&self, child: &str, rule: &'static str, text: impl Into<String>) -> Jw323Fault {
        let mut fault = self.fault(rule, text);
        fault.path = format!("{}/{child}", fault.path.trim_end_matches('/'));
        fault
    }

    /// Enters the expected element.
    pub(super) fn open(&mut self, space: Space, name: &'static str) -> Result<(), Jw323Fault> {
        match self.next()? {
            Token::Start(Some(found), text) if found == space && text == name => {
                self.path.push(name);
                Ok(())
            }
            other => Err(self.unexpected(other, name)),
        }
    }

    /// Leaves the element that was entered last: it must have nothing more inside.
    pub(super) fn close(&mut self) -> Result<(), Jw323Fault> {
        match self.next()? {
            Token::End => {
                self.path.pop();
                Ok(())
            }
            other => Err(self.unexpected(other, "its end")),
        }
    }

    /// The text of the expected element, which has no elements inside.
    pub(super) fn leaf(&mut self, space: Space, name: &'static str) -> Result<String, Jw323Fault> {
        self.open(space, name)?;
        let mut text = String::new();
        loop {
            match self.next_of_value()? {
                Token::Text(part) => text.push_str(&part),
                Token::End => {
                    self.path.pop();
                    return Ok(text);
                }
                other => return Err(self.unexpected(other, "text")),
            }
        }
    }

    /// Whether an element of this name comes next. Nothing is consumed.
    pub(super) fn is_next(&mut self, name: &str) -> Result<bool, Jw323Fault> {
        let token = self.next()?;
        let found = matches!(&token, Token::Start(_, text) if text == name);
        self.ahead = Some(token);
        Ok(found)
    }

    /// Makes sure that nothing follows the root element.
    pub(super) fn finish(&mut self) -> Result<(), Jw323Fault> {
        match self.next()? {
            Token::Eof => Ok(()),
            other => Err(self.unexpected(other, "the end of the file")),
        }
    }

    fn unexpected(&self, found: Token, expected: &str) -> Jw323Fault {
        match found {
            Token::Start(space, name) => {
                let shown: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
                let why =
                    if shown == expected && space.is_some() || space.is_none() { " in its namespace" } else { "" };
                self.fault_in(&shown, "XSD", format!("this element does not belong here: expected `{expected}`{why}"))
            }
            Token::Text(_) => self.fault("XSD", format!("text does not belong here: expected `{expected}`")),
            Token::End => self.fault("XSD", format!("the element ends too early: expected `{expected}`")),
            Token::Eof => self.fault("XML", format!("the file ends too early: expected `{expected}`")),
        }
    }

    /// The next token that is not whitespace.
    fn next(&mut self) -> Result<Token, Jw323Fault> {
        loop {
            match self.next_of_value()? {
                Token::Text(text) if text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) => {}
                token => return Ok(token),
            }
        }
    }

    /// The next token, whitespace included.
    fn next_of_value(&mut self) -> Result<Token, Jw323Fault> {
        if let Some(token) = self.ahead.take() {
            return Ok(token);
        }
        loop {
            let token = self.read()?;
            self.started = true;
            if let Some(token) = token {
                return Ok(token);
            }
        }
    }

    /// One event, or `None` for one that says nothing.
    fn read(&mut self) -> Result<Option<Token>, Jw323Fault> {
        self.buffer.clear();
        self.xml.get_mut().token_bytes = 0;
        let outcome = match self.xml.read_resolved_event_into(&mut self.buffer) {
            Err(fault) => Err(malformed(&fault)),
            Ok((space, event)) => token(&space, event, self.started),
        };
        let at_end = matches!(outcome, Ok(Some(Token::Eof)));
        match outcome {
            Ok(_) if at_end && !self.path.is_empty() => Err(self.fault("XML", "the file ends too early")),
            Ok(token) => Ok(token),
            Err((rule, text)) => Err(self.fault(rule, text)),
        }
    }
}

type Refused = (&'static str, String);

fn token(space: &ResolveResult<'_>, event: Event<'_>, started: bool) -> Result<Option<Token>, Refused> {
    let refuse = |rule: &'static str, text: &str| Err((rule, text.to_owned()));
    match event {
        Event::Start(start) | Event::Empty(start) => {
            attributes(&start)?;
            let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
            Ok(Some(Token::Start(known(space), name)))
        }
        Event::End(_) => Ok(Some(Token::End)),
        Event::Text(text) => words(text.decode().ok().as_deref()),
        Event::CData(text) => words(text.decode().ok().as_deref()),
        Event::GeneralRef(reference) => Ok(Some(Token::Text(character(&reference)?))),
        Event::Comment(_) => Ok(None),
        Event::Decl(declaration) if !started => match declaration.encoding() {
            None => Ok(None),
            Some(Ok(name)) if name.eq_ignore_ascii_case(b"UTF-8") => Ok(None),
            Some(_) => refuse("OP192", "write the file in UTF-8"),
        },
        Event::Decl(_) => refuse("XML", "the XML declaration stands at the very beginning or nowhere"),
        Event::PI(_) => refuse("XML", "processing instructions are not accepted: remove it"),
        Event::DocType(_) => refuse("XML", "a document type (DTD) is not accepted: remove it"),
        Event::Eof => Ok(Some(Token::Eof)),
    }
}

fn words(text: Option<&str>) -> Result<Option<Token>, Refused> {
    let text = text.ok_or_else(|| ("OP192", "these bytes are not UTF-8".to_owned()))?;
    Ok(Some(Token::Text(text.to_owned())))
}

/// Namespace declarations, and the hints of XML Schema; everything else is not in the schema.
fn attributes(start: &BytesStart<'_>) -> Result<(), Refused> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| ("XML", "an attribute is not well-formed".to_owned()))?;
        let key = attribute.key.as_ref();
        let hint = key.ends_with(b":schemaLocation") || key.ends_with(b":noNamespaceSchemaLocation");
        if key != b"xmlns" && !key.starts_with(b"xmlns:") && !hint {
            return Err(("XSD", "elements of a declaration have no attributes: remove it".to_owned()));
        }
    }
    Ok(())
}

fn known(space: &ResolveResult<'_>) -> Option<Space> {
    match space {
        ResolveResult::Bound(name) if name.as_ref() == MESSAGE_NS.as_bytes() => Some(Space::Message),
        ResolveResult::Bound(name) if name.as_ref() == BASE_NS.as_bytes() => Some(Space::Base),
        _ => None,
    }
}

/// One of the five predefined entities or a numbered character; others need a document type, which is refused.
fn character(reference: &BytesRef<'_>) -> Result<String, Refused> {
    let refused = || ("XML", "entities are not accepted: write the character itself".to_owned());
    if let Some(character) = reference.resolve_char_ref().map_err(|_| refused())? {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(|_| refused())?;
    quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned).ok_or_else(refused)
}

fn malformed(fault: &quick_xml::Error) -> Refused {
    match fault {
        quick_xml::Error::Io(io) => ("SIZE", io.to_string()),
        _ => ("XML", "the file is not well-formed XML here".to_owned()),
    }
}
