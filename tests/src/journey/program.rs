//! The real binary: beside the tests, made when it is absent or older than its sources, and run as people run it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// Longest wait for a line or an end that must come; a loaded machine is slow, a hanging program is a fault.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Where `sluis` is.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let tests = std::env::current_exe().unwrap();
        let folder = tests.ancestors().nth(2).unwrap();
        let binary = folder.join("sluis");
        if !is_current(&binary) {
            build(folder);
        }
        binary
    })
}

/// The folder for what a test leaves behind: `target/tmp`.
pub fn scratch() -> PathBuf {
    program().ancestors().nth(2).unwrap().join("tmp")
}

/// Says loudly that this machine does not let a test prove what it is for; `tests/run.sh` counts it and tells it at the end.
pub fn skipped(why: &str) {
    eprintln!("SKIPPED, NOTHING PROVEN: {why}");
    let told = scratch().with_file_name("skipped");
    let mut file = std::fs::File::options().create(true).append(true).open(told).unwrap();
    std::io::Write::write_all(&mut file, format!("{why}\n").as_bytes()).unwrap();
}

fn build(folder: &Path) {
    let profile = folder.file_name().and_then(|n| n.to_str()).unwrap();
    let profile = if profile == "debug" { "dev" } else { profile };
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["build", "--workspace", "--bins", "--locked", "--profile", profile, "--target-dir"]);
    let status = command.arg(folder.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(status.success(), "the programs do not build");
}

fn is_current(binary: &Path) -> bool {
    let Ok(made) = std::fs::metadata(binary).and_then(|meta| meta.modified()) else { return false };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    ["gateway", "adapters", "proto"].iter().all(|room| newest(&root.join(room)) <= made)
}

fn newest(path: &Path) -> SystemTime {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| newest(&entry.unwrap().path()));
        return entries.max().unwrap_or(SystemTime::UNIX_EPOCH);
    }
    std::fs::metadata(path).and_then(|meta| meta.modified()).unwrap()
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Said {
    /// Exit status.
    pub status: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs `sluis` with these arguments to its end.
pub fn sluis<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Said {
    let out = Command::new(program()).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: out.status.code(), out: text(out.stdout), err: text(out.stderr) }
}

/// A command that runs beside the test. It is killed when the test lets go of it.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<()>>,
    heard: Arc<Mutex<String>>,
}

impl Running {
    /// Starts a command; its lines are read as they come.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = follow(child.stdout.take().unwrap());
        let (heard, stderr) = (Arc::<Mutex<String>>::default(), child.stderr.take().unwrap());
        let hearing = Arc::clone(&heard);
        let errors = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut heard = hearing.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self { child, lines, errors: Some(errors), heard }
    }

    /// Starts `sluis serve` and waits until it says that it is ready; else how it ended.
    pub fn serve(config: &Path) -> Result<Self, Said> {
        Self::serve_by(Command::new(program()).args(["serve", "--config"]).arg(config))
    }

    /// The same by a command that somebody else made, with an environment of its own.
    pub fn serve_by(command: &mut Command) -> Result<Self, Said> {
        let mut gateway = Self::start(command);
        match gateway.wait_for("ready") {
            Some(_) => Ok(gateway),
            None => Err(gateway.end()),
        }
    }

    /// Waits for a line that begins with these words, and gives all lines up to it; `None` when the output ended.
    pub fn wait_for(&mut self, words: &str) -> Option<Vec<String>> {
        let mut before = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    before.push(line);
                    if before.last().is_some_and(|line| line.starts_with(words)) {
                        return Some(before);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("no line `{words}` in {PATIENCE:?}, only {before:#?}"),
            }
        }
    }

    /// Standard error so far.
    pub fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }

    /// Process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without warning, as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(sent.success(), "signal {name} could not be sent");
    }

    /// Waits for the end and gives what was not read yet.
    pub fn end(mut self) -> Said {
        let status = self.wait();
        let out = self.lines.iter().collect::<Vec<_>>().join("\n");
        if let Some(errors) = self.errors.take() {
            errors.join().unwrap();
        }
        let err = self.heard();
        Said { status: status.code(), out, err }
    }

    fn wait(&mut self) -> ExitStatus {
        let pause = Duration::from_millis(5);
        for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(pause);
        }
        panic!("process {} does not end in {PATIENCE:?}", self.child.id());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(out: ChildStdout) -> Receiver<String> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return; // nobody listens any more
            }
        }
    });
    lines
}
