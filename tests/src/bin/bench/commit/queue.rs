//! The floor's way into a log: the same queue and group commit as the recorder's, and nothing else.

use super::Fault;
use super::door::Door;
use super::place::{Row, Template, Writer};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};

/// As in the recorder.
const BATCH_ENTRIES_MAX: usize = 256;
const QUEUE_ENTRIES_MAX: usize = 8192;

struct Job {
    row: Row,
    answer: oneshot::Sender<Result<(), String>>,
}

/// A queue before a writer of rows.
pub struct Queue {
    jobs: mpsc::Sender<Job>,
    template: Arc<Template>,
    commits: Arc<AtomicU64>,
}

impl Queue {
    /// Starts the writing task.
    pub fn start(template: &Arc<Template>, writer: Box<dyn Writer>) -> Arc<dyn Door> {
        let (jobs, waiting) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let commits = Arc::<AtomicU64>::default();
        tokio::spawn(run(writer, waiting, Arc::clone(&commits)));
        Arc::new(Self { jobs, template: Arc::clone(template), commits })
    }
}

#[async_trait]
impl Door for Queue {
    async fn enter(&self, number: u64) -> Result<(), Fault> {
        let (answer, answered) = oneshot::channel();
        let job = Job { row: self.template.row(number), answer };
        self.jobs.try_send(job).map_err(|refused| format!("the floor's queue: {refused}"))?;
        Ok(answered.await??)
    }

    fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

async fn run(mut writer: Box<dyn Writer>, mut waiting: mpsc::Receiver<Job>, commits: Arc<AtomicU64>) {
    while let Some(first) = waiting.recv().await {
        let mut jobs = vec![first];
        // As in the recorder.
        tokio::task::yield_now().await;
        while jobs.len() < BATCH_ENTRIES_MAX
            && let Ok(job) = waiting.try_recv()
        {
            jobs.push(job);
        }
        let (rows, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.row, job.answer)).unzip();
        let written = writer.write(rows).await.map_err(|fault| format!("the floor: {fault}"));
        commits.fetch_add(1, Ordering::Relaxed);
        for answer in answers {
            // A caller that is gone has ended the bench already.
            let _ = answer.send(written.clone());
        }
    }
}
