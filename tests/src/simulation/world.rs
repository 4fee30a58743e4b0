//! A run: a server, its processes and a program, one statement at a time, judged after each.

use super::calls::{About, Attempts, Told, call};
use super::defect::Defect;
use super::judge::{Judge, Judged};
use super::process::{ORIGIN, Process, is_alarm, master, place};
use super::program::{Action, PROCESSES, Program};
use super::random::Random;
use super::server::tables::Change;
use super::server::{Fault, Server};
use super::turn::eve_after;
use sluis_adapters::postgres::PostgresLog;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use tokio::task::yield_now;

/// 21 November 2026, noon UTC.
const BEGIN: u64 = 1_795_262_400_000;
/// Statements in one go, at most: a run that does not come to rest is a finding.
pub const RESTLESS: usize = 4_000;

/// What happened, in short, and what did not hold.
#[derive(Debug)]
pub struct Ran {
    pub statements: u64,
    pub entries: u64,
    pub receipts: usize,
    pub broken: Option<String>,
    /// What happened, line by line.
    pub story: Vec<String>,
}

/// A folder that goes away with the run.
pub struct Room(PathBuf);

impl Room {
    fn make() -> Self {
        static ROOMS: AtomicU32 = AtomicU32::new(0);
        let number = ROOMS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sluis-sim-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Everything of a run.
pub struct World {
    pub room: Room,
    pub server: Server,
    pub processes: Vec<Process>,
    pub attempts: Arc<Attempts>,
    pub judge: Judge,
    pub random: Random,
    pub defect: Option<Defect>,
    pub armed: Vec<(usize, &'static str, Fault)>,
    pub policy: u64,
    pub restored: bool,
    pub anchored_at: u64,
    pub story: Vec<String>,
}

/// Runs a program to its end or to the first thing that does not hold.
pub fn run(program: &Program, defect: Option<Defect>) -> Ran {
    let mut world = World::make(program, defect);
    let ended = world.begin().and_then(|()| world.play(&program.actions)).and_then(|()| world.come_to_rest());
    let attempts = world.attempts.0.lock().unwrap();
    let told = |is: fn(&Told) -> bool| attempts.iter().filter(|a| a.told.as_ref().is_some_and(is)).count();
    Ran {
        statements: world.server.executed,
        entries: world.server.tables.leaves.len() as u64,
        receipts: told(|told| matches!(told, Told::Receipt { .. })),
        broken: ended.err(),
        story: std::mem::take(&mut world.story),
    }
}

/// What a new log consists of, made once by the production code.
static NEW_LOG: LazyLock<Vec<Vec<Change>>> = LazyLock::new(|| {
    let room = Room::make();
    let mut server = Server::start(&room.0, false, BEGIN, None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = place(&room.0);
    let made = runtime.spawn(async move { PostgresLog::create(&place, ORIGIN, &master(), BEGIN, 0).await.unwrap() });
    while !made.is_finished() {
        runtime.block_on(yield_now());
        server.receive();
        server.runnable().into_iter().for_each(|at| server.execute(at, None));
    }
    server.commits().to_vec()
});

impl World {
    fn make(program: &Program, defect: Option<Defect>) -> Self {
        let room = Room::make();
        let begin = if program.eve { eve_after(BEGIN) } else { BEGIN };
        let mut server = Server::start(&room.0, program.standby, begin, defect);
        server.begin(NEW_LOG.clone());
        Self {
            room,
            server,
            processes: (0..PROCESSES).map(Process::new).collect(),
            attempts: Arc::default(),
            judge: Judge::new(),
            random: Random::new(program.seed ^ 0x5157),
            defect,
            armed: Vec::new(),
            policy: 0,
            restored: false,
            anchored_at: 0,
            story: Vec::new(),
        }
    }

    /// Every process serves.
    fn begin(&mut self) -> Judged {
        self.judge_log()?;
        for at in 0..PROCESSES {
            self.start(at)?;
        }
        self.until("every process serves", |world| world.processes.iter().all(|p| p.serving().is_some()))
    }

    fn play(&mut self, actions: &[Action]) -> Judged {
        for action in actions {
            self.story.push(format!("{action:?}"));
            self.act(*action)?;
            self.judge_all()?;
        }
        Ok(())
    }

    fn act(&mut self, action: Action) -> Judged {
        match action {
            Action::Release { at, subject, transaction, handed } => {
                self.call(at, About::Release { subject, transaction, handed })
            }
            Action::Restrict { at, subject, set } => self.call(at, About::Restrict { subject, set }),
            Action::Policy { at } => {
                self.policy += 1;
                self.call(at, About::Policy { number: self.policy })
            }
            Action::Steps(count) => (0..count).try_for_each(|_| self.step().map(drop)),
            Action::Fault { at, name, fault } => {
                self.armed.push((at, name, fault));
                Ok(())
            }
            Action::Pass(milliseconds) => self.pass(milliseconds),
            Action::Kill(at) => self.kill(at),
            Action::Start(at) if self.processes[at].runtime.is_none() => self.start(at),
            Action::Start(_) => Ok(()),
            Action::Freeze(at) => {
                self.processes[at].frozen = true;
                Ok(())
            }
            Action::Thaw(at) => self.thaw(at),
            Action::Cut(at) => self.cut(at, true),
            Action::Mend(at) => self.cut(at, false),
            Action::Standby { paused } => {
                self.server.paused = paused;
                Ok(())
            }
            Action::Resume => {
                self.server.resume();
                Ok(())
            }
            Action::FailOver | Action::Restart | Action::Restore(_) => self.operate(action),
            Action::NextEve => self.next_eve(),
            Action::Halt(at) => self.halt(at),
            Action::Settled(at) => self.settled(at),
            Action::Clock { at, off } => {
                self.processes[at].machine.off.store(off, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    fn operate(&mut self, action: Action) -> Judged {
        match action {
            Action::FailOver if self.server.standby => self.server.fail_over(),
            Action::Restore(lost) => {
                self.restored = true;
                self.server.restore(lost);
                self.judge.restored();
            }
            _ => self.server.restart(),
        }
        self.judge.rewind();
        if self.server.lost_shown {
            self.judge.doubted();
        }
        self.judge_log()?;
        (0..PROCESSES).try_for_each(|at| self.drive(at))
    }

    pub fn call(&mut self, at: usize, about: About) -> Judged {
        let process = &self.processes[at];
        if let (Some(gateway), Some(runtime)) = (process.serving(), &process.runtime) {
            runtime.spawn(call(gateway, about, Arc::clone(&self.attempts)));
        }
        self.drive(at)
    }

    pub fn start(&mut self, at: usize) -> Judged {
        self.processes[at].machine.now.store(self.server.now, Ordering::Relaxed);
        let (standby, defect) = (self.server.standby, self.defect);
        self.processes[at].start(&self.room.0, standby, defect);
        self.drive(at)
    }

    pub fn kill(&mut self, at: usize) -> Judged {
        self.processes[at].kill();
        let note = self.processes[at].outside.0.lock().unwrap().clone();
        self.judge.died(at, note);
        self.server.receive();
        Ok(())
    }

    pub fn thaw(&mut self, at: usize) -> Judged {
        self.processes[at].frozen = false;
        self.processes[at].pass(0);
        self.drive(at)
    }

    pub fn cut(&mut self, at: usize, cut: bool) -> Judged {
        self.server.cut(at, cut);
        self.drive(at)
    }

    /// Lets a process run until it waits for the server, for time or for nobody.
    pub fn drive(&mut self, at: usize) -> Judged {
        self.server.driven = at;
        for _ in 0..RESTLESS {
            self.processes[at].drive();
            if !self.server.receive() {
                return self.judge_signed(at);
            }
        }
        Err(format!("process {at} does not come to rest"))
    }

    /// One statement of any session that can go on; else the standby receives. Gives whether anything was done.
    pub fn step(&mut self) -> Result<bool, String> {
        if !self.random.once_in(3) {
            self.server.replicate();
        }
        let runnable = self.server.runnable();
        if runnable.is_empty() {
            let behind = self.server.replicated;
            self.server.replicate();
            return Ok(self.server.replicated > behind);
        }
        let at = runnable[self.random.below(runnable.len())];
        let process = self.server.sessions[at].process;
        let name = self.server.statement(at).unwrap_or_default();
        let armed = self.armed.iter().position(|(of, what, _)| *of == process && (what.is_empty() || *what == name));
        let fault = armed.map(|armed| self.armed.remove(armed).2);
        if let Some(fault) = fault {
            self.story.push(format!("  {name} of {process}: {fault:?}"));
        } else if matches!(name, "COMMIT" | "LOOK" | "LOCK" | "STANDS") {
            self.story.push(format!("  {name} of {process}"));
        }
        self.server.execute(at, fault);
        if let (Some(Fault::AnswerLost), true) = (fault, self.server.sessions[at].flushed.is_some()) {
            // It waits for the standby first.
            self.armed.push((process, name, Fault::AnswerLost));
        }
        if name == "COMMIT" {
            self.judge_log()?;
        }
        self.drive(process).map(|()| true)
    }

    /// Time passes everywhere, a little at a time, and with it what waits for time.
    pub fn pass(&mut self, milliseconds: u64) -> Judged {
        let mut left = milliseconds;
        while left > 0 {
            let part = left.min(500);
            left -= part;
            self.server.pass(part);
            for at in 0..PROCESSES {
                self.processes[at].machine.now.store(self.server.now, Ordering::Relaxed);
                self.processes[at].pass(part);
                self.drive(at)?;
            }
            self.keep_anchors();
        }
        Ok(())
    }

    /// As `anchor::follow` does every second, without the thread that it writes from.
    fn keep_anchors(&mut self) {
        if self.server.now < self.anchored_at + 1_000 {
            return;
        }
        self.anchored_at = self.server.now;
        for process in self.processes.iter().filter(|process| !process.frozen) {
            if let Some(gateway) = process.serving() {
                *process.outside.0.lock().unwrap() = Some(gateway.recorder.checkpoint().note.clone());
            }
        }
    }

    pub fn judge_log(&mut self) -> Judged {
        let safe = self.server.safe_sizes();
        self.judge.log(&self.server.tables, &self.attempts.0.lock().unwrap(), &safe)
    }

    pub fn settled(&self, at: usize) -> Judged {
        self.judge.settled(at, &self.attempts.0.lock().unwrap())
    }

    fn judge_signed(&mut self, at: usize) -> Judged {
        if let Some(why) = self.processes[at].refused().filter(|why| !self.restored && is_alarm(why)) {
            return Err(format!("process {at} does not start, and nobody touched anything: {why}"));
        }
        let Some(gateway) = self.processes[at].serving() else { return Ok(()) };
        let safe = self.server.safe_sizes();
        self.judge.signed(at, &gateway.recorder.checkpoint(), &safe)
    }

    pub fn judge_all(&mut self) -> Judged {
        self.judge_log()?;
        (0..PROCESSES).try_for_each(|at| self.judge_signed(at))
    }
}
