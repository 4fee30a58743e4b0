//! `sluis keys`: generations of the wrapping key, and the end of what backups hold under an old one.

use super::Failure;
use super::subject::day;
use crate::compose::rotation::{Rotation, Step, forget, look, prepare};
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Wrap every key under a new secret and destroy the old one, so that older backups open nothing.
#[derive(Debug, clap::Args)]
pub struct Keys {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the generations of the wrapping key: since when, until when, and whether their secret is here
    Status {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Make the secret of the next generation, to be copied to every gateway before it is used
    Prepare {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Wrap every key under the next generation and destroy the secret before it; with SQLite the gateway must be stopped. It
    /// cannot be undone
    Rotate {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Destroy here the secrets of generations that were rotated elsewhere
    Forget {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

impl Keys {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Action::Status { config } => status(&Config::read(&config)?).await?,
            Action::Prepare { config } => {
                let (generation, file, made) = prepare(&Config::read(&config)?).await?;
                let how = if made { "made" } else { "was there already:" };
                println!("{how} {}, the secret of generation {generation}", file.display());
                println!(
                    "copy it to the same folder of every gateway of this log, mode 0400, then run `sluis keys rotate`"
                );
            }
            Action::Rotate { config } => rotate(&Config::read(&config)?).await?,
            Action::Forget { config } => {
                let gone = forget(&Config::read(&config)?).await?;
                for generation in &gone {
                    println!("destroyed here: the secret of generation {generation}");
                }
                if gone.is_empty() {
                    println!("no secret of a generation that ended is here");
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn status(config: &Config) -> Result<(), Failure> {
    let (all, folder) = look(config).await?;
    for generation in &all {
        let number = generation.number;
        let here = if folder.holds(number) { "its secret is here" } else { "its secret is not here" };
        let since = day(generation.made_at)?;
        match generation.ended {
            None => println!("{number}  since {since}, in use; {here}"),
            Some(end) => {
                let destroyed = match end.destroyed_at {
                    Some(at) => format!("destroyed {}", day(at)?),
                    None => "NOT destroyed yet: run `sluis keys rotate`".to_owned(),
                };
                println!("{number}  since {since}, ended {}, {destroyed}; {here}", day(end.at)?);
            }
        }
    }
    Ok(())
}

async fn rotate(config: &Config) -> Result<(), Failure> {
    let mut rotation = Rotation::open(config).await?;
    if rotation.resumes().await? {
        println!("goes on with a rotation that was interrupted");
    }
    let mut rewrapped = 0;
    while let Some(step) = rotation.step().await? {
        match step {
            Step::Made(generation) => println!("made the secret of generation {generation}"),
            Step::Began(generation) => println!("generation {generation} began: new keys are wrapped under it"),
            Step::Rewrapped(keys) => rewrapped += keys,
            Step::Ended { generation, proven } => {
                println!("{rewrapped} keys were wrapped anew; {proven} keys open under the next generation");
                println!("generation {generation} ended: no key is wrapped under it, and none can be");
            }
            Step::Destroyed { generation, there } => tell_destroyed(config, generation, there),
        }
    }
    Ok(())
}

fn tell_destroyed(config: &Config, generation: u32, there: bool) {
    let folder = config.keys.wrapping();
    let was = if there { "destroyed here" } else { "was not here any more" };
    println!("the secret of generation {generation} {was}: `{}`", folder.display());
    println!(
        "what backups of the key database hold under it nobody opens any more, once no copy of that secret is left:"
    );
    println!("  on every other gateway of this log run `sluis keys forget`; end the backups that hold the folder");
}
