//! Lines that wait to be written, in two queues: those that are gathered for a moment, and those that go at once.
//!
//! Promises: who says a line never waits for its reader; what waits is bounded, and a line for which there is no room is
//! counted; a line that goes at once overtakes those that are gathered, also when a slow reader keeps them waiting; no line
//! is torn by another. One wake and one write serve many gathered lines: with one of each for every call, the log lines took
//! a twelfth of the processor time of a release.
//!
//! When the process is killed, the lines gathered in the last moment are gone. The evidence of what was released is the
//! transfer log; these lines are for the operator.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most bytes of gathered lines that wait: about ten thousand calls. As many again may be on their way to the reader.
const GATHERED_MAX: usize = 2 * 1024 * 1024;
/// Most bytes of lines that go at once and wait. They have room of their own, which no call fills.
const AT_ONCE_MAX: usize = 256 * 1024;
/// Bytes that are worth a write before the moment is over, and the most that are written before lines that go at once are
/// looked for again. A pipe takes as much.
const PIECE: usize = 64 * 1024;
/// How long lines are gathered: no person notices, and a busy gateway says hundreds.
const GATHER: Duration = Duration::from_millis(50);
/// Rest before trying again, where the reader made standard error a pipe that does not wait and it is full.
const REST: Duration = Duration::from_millis(10);

/// When a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    /// Now, before all that is gathered.
    AtOnce,
    /// With others, within a moment.
    Gathered,
}

/// The lines that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    said: Mutex<Said>,
    more: Condvar,
    written: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Said {
    at_once: Vec<u8>,
    gathered: Vec<u8>,
    /// Lines that were taken in since the start.
    lines: u64,
    /// Of these, so many were written, or could not be.
    written: u64,
    /// Somebody waits for what is gathered.
    hurry: bool,
}

impl Said {
    fn nothing(&self) -> bool {
        self.at_once.is_empty() && self.gathered.is_empty() && !self.hurry
    }

    fn can_wait(&self) -> bool {
        self.at_once.is_empty() && self.gathered.len() < PIECE && !self.hurry
    }
}

impl Waiting {
    /// Takes in a line with its end; drops and counts it when there is no room.
    pub(super) fn say(&self, line: &[u8], haste: Haste) {
        let mut said = self.said();
        let (queue, max) = match haste {
            Haste::AtOnce => (&mut said.at_once, AT_ONCE_MAX),
            Haste::Gathered => (&mut said.gathered, GATHERED_MAX),
        };
        let (before, after) = (queue.len(), queue.len() + line.len());
        if after > max {
            drop(said);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.extend_from_slice(line);
        said.lines += 1;
        drop(said);
        // The first begins the moment; who comes between is taken along.
        if haste == Haste::AtOnce || before == 0 || (before < PIECE && after >= PIECE) {
            self.more.notify_one();
        }
    }

    /// Lines dropped since the start: there was no room, or they could not be written.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until what was said before is written, or for so long.
    pub(super) fn flush(&self, within: Duration) {
        let mut said = self.said();
        let lines = said.lines;
        said.hurry = said.written < lines;
        self.more.notify_one();
        // When the time is over, what is left is the reader's loss.
        drop(self.written.wait_timeout_while(said, within, |said| said.written < lines));
    }

    /// Waits for lines, and a moment longer for more; how many were taken in by then.
    fn take(&self, at_once: &mut Vec<u8>, gathered: &mut Vec<u8>) -> u64 {
        let said = self.more.wait_while(self.said(), |said| said.nothing()).unwrap_or_else(PoisonError::into_inner);
        let waited = self.more.wait_timeout_while(said, GATHER, |said| said.can_wait());
        let (mut said, _) = waited.unwrap_or_else(PoisonError::into_inner);
        exchange(&mut said.at_once, at_once);
        exchange(&mut said.gathered, gathered);
        said.hurry = false;
        said.lines
    }

    /// Whether something is here and may wait for more.
    #[cfg(test)]
    pub(super) fn gathers(&self) -> bool {
        let said = self.said();
        !said.nothing() && said.can_wait()
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // No code panics while it holds this lock, so a poisoned one is whole.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a queue and leaves an empty one with the room of the last.
fn exchange(queue: &mut Vec<u8>, last: &mut Vec<u8>) {
    last.clear();
    std::mem::swap(queue, last);
}

/// Writes the lines that wait.
pub(super) struct Pen<W> {
    out: W,
    at_once: Vec<u8>,
    gathered: Vec<u8>,
    told: u64,
}

impl<W: Write> Pen<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, at_once: Vec::new(), gathered: Vec::new(), told: 0 }
    }

    /// Waits for lines and writes them. Gives how many were dropped since the start when that is news and the reader reads
    /// again: then he can be told.
    pub(super) fn write_next(&mut self, waiting: &Waiting) -> Option<u64> {
        let lines = waiting.take(&mut self.at_once, &mut self.gathered);
        let mut lost = write(&mut self.out, &self.at_once);
        let mut rest = self.gathered.as_slice();
        while !rest.is_empty() {
            let (piece, after) = cut(rest);
            lost += write(&mut self.out, piece);
            exchange(&mut waiting.said().at_once, &mut self.at_once);
            lost += write(&mut self.out, &self.at_once);
            rest = after;
        }
        let dropped = waiting.dropped.fetch_add(lost, Ordering::Relaxed) + lost;
        waiting.said().written = lines;
        waiting.written.notify_all();
        let news = lost == 0 && dropped > self.told;
        news.then(|| {
            self.told = dropped;
            dropped
        })
    }
}

/// A piece of whole lines, and what comes after it. A line longer than a piece stays whole.
fn cut(lines: &[u8]) -> (&[u8], &[u8]) {
    let is_end = |byte: &u8| *byte == b'\n';
    let within = lines.get(..PIECE).unwrap_or(lines).iter().rposition(is_end);
    let end = within.or_else(|| lines.iter().position(is_end)).map_or(lines.len(), |end| end + 1);
    lines.split_at_checked(end).unwrap_or((lines, &[]))
}

/// Writes these lines; how many the reader did not take.
fn write(out: &mut impl Write, mut lines: &[u8]) -> u64 {
    while !lines.is_empty() {
        match out.write(lines) {
            Ok(taken @ 1..) => lines = lines.get(taken..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(REST),
            Ok(0) | Err(_) => return lines.iter().filter(|byte| **byte == b'\n').count() as u64,
        }
    }
    0
}

#[cfg(test)]
mod tests;
