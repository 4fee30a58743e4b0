//! Counts the frames of HTTP/2 as they come in, so that a flood of those that carry no request is cut (RFC 9113, 10.5).
//!
//! h2 answers every PING and SETTINGS, takes every WINDOW_UPDATE and PRIORITY and forgets every stream that is reset: each
//! costs little, a hundred thousand a second cost a processor. So such frames are paid from a credit, which grows slowly with
//! time and quickly with requests, data and replies: no client that works comes near its end. Payload is skipped, not read.

use std::time::Instant;

/// Client preface: `PRI * HTTP/2.0`, two line ends, `SM`, two line ends (RFC 9113, 3.4).
const PREFACE_BYTES: usize = 24;
/// Most credit that is kept, and what a connection begins with.
const CREDIT_MAX: u64 = 2000;
/// Credit that comes with a second, whatever happens.
const CREDIT_PER_SECOND: u64 = 100;
/// Credit for a header block: a call with a window update, a ping or a cancellation of its own.
const CREDIT_PER_HEADERS: u64 = 4;
/// Bytes written to the other end that give one credit: who reads much updates windows often.
const CREDIT_BYTES: u64 = 1024;
/// Streams that may be reset at once; a reset costs us what the call had cost until then.
const RESETS_MAX: u64 = 1000;
/// Streams that may be reset in a second, in the long run.
const RESETS_PER_SECOND: u64 = 100;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;

/// Too many frames that carry no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flood;

/// Where in the stream of bytes we are.
enum At {
    /// So many bytes of the preface are still to come.
    Preface(usize),
    /// In the head of a frame: length (3 bytes), type, flags, stream (4).
    Head([u8; 9], usize),
    /// So many bytes of payload are still to come.
    Payload(usize),
}

/// Follows one connection.
pub(super) struct Meter {
    at: At,
    frames: u64,
    credit: u64,
    resets: u64,
    written: u64,
    filled_at: Instant,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            at: At::Preface(PREFACE_BYTES),
            frames: 0,
            credit: CREDIT_MAX,
            resets: RESETS_MAX,
            written: 0,
            filled_at: moment(),
        }
    }

    /// Whether the other end has begun to speak HTTP/2: the preface and the head of a first frame.
    pub(super) const fn greeted(&self) -> bool {
        self.frames > 0
    }

    /// Bytes went out.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.written += bytes as u64;
        self.earn(self.written / CREDIT_BYTES);
        self.written %= CREDIT_BYTES;
    }

    /// Bytes came in.
    ///
    /// # Errors
    /// [`Flood`]: cut the connection.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<(), Flood> {
        self.fill(moment());
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.at {
                At::Preface(left) | At::Payload(left) => {
                    let skipped = (*left).min(bytes.len());
                    *left -= skipped;
                    bytes = bytes.get(skipped..).unwrap_or_default();
                    if *left == 0 {
                        self.at = At::Head([0; 9], 0);
                    }
                }
                At::Head(head, have) => {
                    if let Some(place) = head.get_mut(*have) {
                        *place = *first;
                    }
                    *have += 1;
                    bytes = rest;
                    if *have == head.len() {
                        let head = *head;
                        self.frame(head)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn frame(&mut self, head: [u8; 9]) -> Result<(), Flood> {
        let [a, b, c, kind, flags, ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        self.frames += 1;
        self.at = if length == 0 { At::Head([0; 9], 0) } else { At::Payload(length as usize) };
        match kind {
            HEADERS => self.earn(CREDIT_PER_HEADERS),
            DATA if length > 0 || flags & END_STREAM != 0 => self.earn(1),
            RST_STREAM => self.resets = self.resets.checked_sub(1).ok_or(Flood)?,
            _ => self.credit = self.credit.checked_sub(1).ok_or(Flood)?,
        }
        Ok(())
    }

    fn earn(&mut self, credit: u64) {
        self.credit = (self.credit + credit).min(CREDIT_MAX);
    }

    /// Time gives credit; parts of a second count when they have become a whole credit.
    fn fill(&mut self, now: Instant) {
        const MILLIS_PER_CREDIT: u64 = 1000 / CREDIT_PER_SECOND;
        const { assert!(CREDIT_PER_SECOND == RESETS_PER_SECOND) };
        let millis = u64::try_from(now.saturating_duration_since(self.filled_at).as_millis()).unwrap_or(u64::MAX);
        let credits = millis / MILLIS_PER_CREDIT;
        if credits > 0 {
            self.filled_at = now;
            self.credit = self.credit.saturating_add(credits).min(CREDIT_MAX);
            self.resets = self.resets.saturating_add(credits).min(RESETS_MAX);
        }
    }
}

/// Now, by the clock that never goes back: how fast frames come is no matter of the time of day.
#[expect(clippy::disallowed_methods, reason = "the rate of frames is measured here")]
fn moment() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;

    fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let mut bytes = u32::try_from(length).unwrap().to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags, 0, 0, 0, 1]);
        bytes.extend(vec![0xff; length]);
        bytes
    }

    /// How many of these frames pass before the connection is cut, of at most 10,000.
    fn passed(meter: &mut Meter, frame: &[u8]) -> usize {
        (0..10_000).take_while(|_| meter.read(frame).is_ok()).count()
    }

    #[test]
    fn floods_end_and_work_does_not() {
        let spent = usize::try_from(CREDIT_MAX).unwrap();
        let slack = 500; // what time gives while the test runs
        for (kind, length) in [(PING, 8), (4, 0), (2, 5), (WINDOW_UPDATE, 4), (DATA, 0), (9, 0), (0x2a, 3)] {
            let n = passed(&mut Meter::new(), &[PREFACE, &frame(PING, 0, 8)].concat()[..0]);
            assert_eq!(n, 10_000, "nothing is no frame");
            let mut meter = Meter::new();
            meter.read(PREFACE).unwrap();
            let n = passed(&mut meter, &frame(kind, 0, length));
            assert!((spent..spent + slack).contains(&n), "frame type {kind}: {n} passed");
        }
        let mut meter = Meter::new();
        meter.read(PREFACE).unwrap();
        let call = [frame(HEADERS, 4, 90), frame(DATA, 1, 200), frame(WINDOW_UPDATE, 0, 4), frame(PING, 0, 8)].concat();
        assert_eq!(passed(&mut meter, &call), 10_000);
    }

    #[test]
    fn resets_have_an_end_of_their_own() {
        let mut meter = Meter::new();
        meter.read(PREFACE).unwrap();
        let n = passed(&mut meter, &[frame(HEADERS, 5, 90), frame(RST_STREAM, 0, 4)].concat());
        let most = usize::try_from(RESETS_MAX).unwrap();
        assert!((most..most + 500).contains(&n), "{n}");
    }

    #[test]
    fn who_reads_much_may_update_windows_often() {
        let mut meter = Meter::new();
        meter.read(PREFACE).unwrap();
        let update = frame(WINDOW_UPDATE, 0, 4);
        assert!((0..10_000).all(|_| {
            meter.wrote(1024);
            meter.read(&update).is_ok()
        }));
    }

    /// Frames are found wherever the bytes are cut.
    #[test]
    fn frames_are_found_across_reads() {
        let all = [PREFACE, &frame(4, 0, 12), &frame(HEADERS, 4, 300), &frame(PING, 0, 8)].concat();
        for size in 1..all.len() {
            let mut meter = Meter::new();
            for piece in all.chunks(size) {
                assert!(!meter.greeted() || meter.frames <= 3);
                meter.read(piece).unwrap();
            }
            assert_eq!(meter.frames, 3, "pieces of {size}");
        }
        let mut silent = Meter::new();
        silent.read(PREFACE).unwrap();
        assert!(!silent.greeted(), "a preface alone is no greeting");
    }
}
