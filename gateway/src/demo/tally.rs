//! What happened in the scenes: counted, printed, and kept for the verification at the end.

use crate::client::ask::Reply;
use crate::client::describe;
use sluis_proto::v1;

/// How a scene should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Fields leave.
    Released,
    /// Nothing leaves.
    Refused,
    /// A professional must decide.
    Escalated,
}

/// Counts and receipts of everything that was asked.
#[derive(Debug, Default)]
pub struct Tally {
    /// Questions asked: calls and lines of audits.
    pub requests: u32,
    /// Answered with fields.
    pub released: u32,
    /// Answered with nothing.
    pub refused: u32,
    /// Put to a human.
    pub escalated: u32,
    /// Scenes that did not end as they must.
    pub wrong: Vec<String>,
    /// Replies, to be verified at the end.
    pub replies: Vec<Reply>,
    /// Receipts without a body of their own: standing and audits.
    pub receipts: Vec<v1::Receipt>,
}

impl Tally {
    /// Prints a reply under its scene and compares it with what must come.
    pub fn reply(&mut self, scene: &str, expected: Expected, reply: Reply) {
        self.requests += 1;
        let outcome = match &reply {
            Reply::Released { .. } => Expected::Released,
            Reply::Refused { .. } => Expected::Refused,
            Reply::Escalated { .. } => Expected::Escalated,
        };
        match outcome {
            Expected::Released => self.released += 1,
            Expected::Refused => self.refused += 1,
            Expected::Escalated => self.escalated += 1,
        }
        println!("\n▸ {scene}");
        describe::reply(&reply).iter().for_each(|line| println!("    {line}"));
        self.expect(scene, outcome == expected, &format!("expected {expected:?}, got {outcome:?}"));
        self.replies.push(reply);
    }

    /// Notes a scene that did not end as it must.
    pub fn expect(&mut self, scene: &str, holds: bool, otherwise: &str) {
        if !holds {
            println!("    ✗ {otherwise}");
            self.wrong.push(format!("{scene}: {otherwise}"));
        }
    }
}
