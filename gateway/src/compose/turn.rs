//! Turns the year of a log in which nothing was written for long, on the word of an operator.
//!
//! A gateway turns the year by itself while the log is in use. After a month without an entry it does not: the clock of the machine
//! may be wrong, and a year that was ended stays ended. Whoever runs this command says that it is right.

use super::StartFault;
use super::stopped::Stopped;
use crate::config::Config;
use sluis_core::log::shard::name_of;
use sluis_core::subject::dutch_date;

/// Why the year was not turned.
#[derive(Debug, thiserror::Error)]
pub enum TurnFault {
    /// The stores.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// The operator and the machine do not agree.
    #[error(
        "by the clock of this machine it is {clock}, and you say {said}: nothing was written. Set the clock right, or give the \
         year that it is"
    )]
    OtherYear {
        /// By the clock, the Dutch civil year.
        clock: i16,
        /// By the operator.
        said: i16,
    },
}

/// Ends the shard of a year that is over and opens that of this one; does nothing where that was done. `year` is the year that it
/// is, as somebody knows it who did not ask this machine. Gives the name of the newest shard.
///
/// # Errors
/// [`TurnFault`]. While the log is halted its shard stays open, and its name is given.
pub async fn turn_year(config: &Config, year: i16) -> Result<String, TurnFault> {
    let stopped = Stopped::open(config).await?;
    let clock = dutch_date(stopped.now()).year();
    if clock != year {
        return Err(TurnFault::OtherYear { clock, said: year });
    }
    stopped.turn_confirmed().await?;
    Ok(name_of(&stopped.origin()).to_owned())
}
