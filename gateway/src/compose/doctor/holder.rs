//! The holder's database: there, and as the map says.

use super::Findings;
use crate::compose::assemble::open_holder;
use crate::compose::source::refused_numbers;
use crate::config::Config;
use sluis_adapters::holder::inspect::Bsns;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::FactSource;
use sluis_core::subject::SubjectId;

/// Clients whose numbers are looked at; `sluis source check` looks at all.
const CLIENTS: u32 = 500;

/// It opens, has what the map names, and answers.
pub(super) async fn source(config: &Config, found: &mut Findings) {
    const SUBJECT: &str = "holder database";
    let advice = "correct `holder.database` and `holder.map`, or the permissions";
    let holder = match open_holder(config, std::sync::Arc::new(SystemClock)) {
        Ok(holder) => holder,
        Err(error) => return found.fault(SUBJECT, error.to_string(), advice),
    };
    match holder.subjects(None, CLIENTS).await {
        Ok(first) if first.is_empty() => {
            found.warning(SUBJECT, "it has no client", "check that it is the right database");
        }
        Ok(first) => {
            found.ok(SUBJECT, format!("`{}` answers, and has what the map names", config.holder.database.display()));
            if let Some(refused) = refused_numbers(&numbers(&first), config.mode) {
                let text = format!("of the first {} clients: {}", first.len(), refused.is);
                found.warning(SUBJECT, text, refused.to_do);
            }
        }
        Err(error) => found.fault(SUBJECT, error.to_string(), advice),
    }
}

/// In which range the BSNs of these clients lie.
fn numbers(clients: &[Vec<SubjectId>]) -> Bsns {
    let mut bsns = Bsns::default();
    for identifier in clients.iter().flatten() {
        if let SubjectId::Bsn(bsn) = identifier {
            bsns.test += usize::from(bsn.is_test());
            bsns.other += usize::from(!bsn.is_test());
        }
    }
    bsns
}
