//! The holder's database: there, and as the map says.

use super::Findings;
use crate::compose::assemble::open_holder;
use crate::config::Config;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::FactSource;

/// It opens, has what the map names, and answers.
pub(super) async fn source(config: &Config, found: &mut Findings) {
    const SUBJECT: &str = "holder database";
    let advice = "correct `holder.database` and `holder.map`, or the permissions";
    let holder = match open_holder(config, std::sync::Arc::new(SystemClock)) {
        Ok(holder) => holder,
        Err(error) => return found.fault(SUBJECT, error.to_string(), advice),
    };
    match holder.subjects(None, 1).await {
        Ok(one) if one.is_empty() => found.warning(SUBJECT, "it has no client", "check that it is the right database"),
        Ok(_) => {
            found.ok(SUBJECT, format!("`{}` answers, and has what the map names", config.holder.database.display()))
        }
        Err(error) => found.fault(SUBJECT, error.to_string(), advice),
    }
}
