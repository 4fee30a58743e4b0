//! Readers that are slow, gone or new: what they get, in which order, and what is counted.

use super::*;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// A reader who takes what is written when he is asked to: each write waits for him.
struct Slow(SyncSender<Vec<u8>>);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A gateway's lines, the reader's end, and what he would be told of dropped lines.
fn begin() -> (Arc<Waiting>, Receiver<Vec<u8>>, Receiver<u64>) {
    let waiting = Arc::<Waiting>::default();
    let ((taken, reader), (tell, told)) = (sync_channel(0), sync_channel(100));
    let lines = Arc::clone(&waiting);
    std::thread::spawn(move || {
        let mut pen = Pen::new(Slow(taken));
        loop {
            pen.write_next(&lines).into_iter().for_each(|dropped| _ = tell.send(dropped));
        }
    });
    (waiting, reader, told)
}

fn line(number: usize) -> String {
    format!("call {number} {}\n", "x".repeat(200))
}

/// Reads until this line is among what comes.
fn read_until(reader: &Receiver<Vec<u8>>, line: &str) -> String {
    let mut read = String::new();
    loop {
        let piece = reader.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("`{line}` never came"));
        let piece = String::from_utf8(piece).unwrap();
        read += &piece;
        if piece.contains(line) {
            return read;
        }
    }
}

#[test]
fn gathered_lines_come_together_whole_and_in_order() {
    let (waiting, reader, _) = begin();
    let lines: Vec<_> = (0..2000).map(line).collect();
    lines.iter().for_each(|line| waiting.say(line.as_bytes(), Haste::Gathered));
    let mut writes = Vec::new();
    while writes.iter().map(Vec::len).sum::<usize>() < lines.iter().map(String::len).sum() {
        writes.push(reader.recv_timeout(Duration::from_secs(20)).unwrap());
    }
    assert!(writes.len() < 12, "{} writes", writes.len());
    assert!(writes.iter().all(|write| write.ends_with(b"\n")), "a line is torn");
    assert_eq!(String::from_utf8(writes.concat()).unwrap(), lines.concat());
}

/// The reader stopped in the middle of two megabytes of calls. He gets the warning after the piece that he is at.
#[test]
fn a_line_that_goes_at_once_overtakes_a_full_queue() {
    let (waiting, reader, _) = begin();
    (0..30_000).map(line).for_each(|line| waiting.say(line.as_bytes(), Haste::Gathered));
    assert!(waiting.dropped() > 0, "the queue is not full");
    let under_way = reader.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(under_way.ends_with(b"\n"), "the piece tore a line");
    (0..30_000).map(line).for_each(|line| waiting.say(line.as_bytes(), Haste::Gathered));
    let dropped = waiting.dropped();
    waiting.say(b"condition raised\n", Haste::AtOnce);
    assert_eq!(waiting.dropped(), dropped, "calls took the room of the warning");
    let before = read_until(&reader, "condition raised\n");
    assert!(before.len() < 3 * PIECE, "{} bytes of calls came first", before.len());
    let at = before.find("condition raised").unwrap();
    // Nothing comes before it, when the writer was slow to look for more.
    assert!(at == 0 || before.get(..at).unwrap().ends_with('\n'), "it tore a line");
}

#[test]
fn what_finds_no_room_is_counted_and_told_once_the_reader_reads() {
    let (waiting, reader, told) = begin();
    let said = 40_000;
    (0..said).map(line).for_each(|line| waiting.say(line.as_bytes(), Haste::Gathered));
    assert!(told.try_recv().is_err(), "told while nobody reads");
    let reading = std::thread::spawn(move || read_until(&reader, "last\n").lines().count());
    waiting.flush(Duration::from_secs(20));
    let dropped = told.recv_timeout(Duration::from_secs(20)).expect("nobody is told");
    waiting.say(b"last\n", Haste::AtOnce);
    let read = reading.join().unwrap();
    assert!(dropped > 0, "nothing was dropped");
    assert_eq!(read + usize::try_from(dropped).unwrap(), said + 1, "{dropped} told, {read} read");
}

#[test]
fn a_flush_waits_until_what_was_said_is_written_and_no_longer_than_it_may() {
    let (waiting, reader, _) = begin();
    waiting.flush(Duration::from_secs(3600));
    waiting.say(b"last words\n", Haste::Gathered);
    waiting.flush(Duration::from_millis(10));
    let (read, reading) = sync_channel(1);
    std::thread::spawn(move || read.send(read_until(&reader, "last words\n")));
    waiting.flush(Duration::from_secs(3600));
    assert_eq!(reading.recv_timeout(Duration::from_secs(20)).unwrap(), "last words\n");
}

#[test]
fn lines_for_a_reader_who_is_gone_are_counted_and_nobody_is_told() {
    let (taken, reader) = sync_channel(0);
    drop(reader);
    let (waiting, mut pen) = (Waiting::default(), Pen::new(Slow(taken)));
    waiting.say(b"one\n", Haste::AtOnce);
    waiting.say(b"two\nthree\n", Haste::Gathered);
    assert_eq!((pen.write_next(&waiting), waiting.dropped()), (None, 3));
}

#[test]
fn calls_wait_for_others_and_nothing_else_waits() {
    let can_wait = |say: &dyn Fn(&Waiting)| {
        let waiting = Waiting::default();
        waiting.say(b"a call\n", Haste::Gathered);
        say(&waiting);
        waiting.said().can_wait()
    };
    assert!(can_wait(&|_| {}), "a write for each call");
    assert!(!can_wait(&|waiting| waiting.say(b"condition raised\n", Haste::AtOnce)), "a warning waits");
    assert!(!can_wait(&|waiting| waiting.say(&[b'x'; PIECE], Haste::Gathered)), "a whole piece waits");
    assert!(!can_wait(&|waiting| waiting.flush(Duration::ZERO)), "the end waits");
}

#[test]
fn a_pipe_that_does_not_wait_loses_nothing() {
    struct Stubborn(Vec<u8>, usize);
    impl Write for Stubborn {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1 += 1;
            match self.1 % 3 {
                0 => Err(ErrorKind::WouldBlock.into()),
                1 => Err(ErrorKind::Interrupted.into()),
                _ => self.0.write(bytes.get(..7).unwrap_or(bytes)),
            }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut out = Stubborn(Vec::new(), 0);
    assert_eq!(write(&mut out, b"one line\nand another\n"), 0);
    assert_eq!(out.0, b"one line\nand another\n");
}
