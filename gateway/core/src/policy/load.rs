//! From texts to a policy: read all three, check, compile, enumerate; any fault and there is no policy.

use super::catalogue;
use super::ceiling::{self, Ceiling};
use super::check;
use super::digest;
use super::enumerate;
use super::fault::{Faults, PolicyFault, PolicyFile};
use super::model::Rule;
use super::read::{self, Item, Section};
use super::table::{Header, Policy};
use super::{basis, rule};

/// The format of a policy text; also the prefix of its digest.
pub(super) const FORMAT: &str = "sluis-policy/1";

/// The three texts of a policy; reading files is the caller's work.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The field catalogue.
    pub catalog: &'a str,
    /// The legal ceiling.
    pub ceiling: &'a str,
    /// The rules.
    pub policy: &'a str,
}

/// Reads, checks, compiles and enumerates a policy.
///
/// # Errors
/// Every fault found, catalogue first, then ceiling, then policy, each in the order of its text.
pub fn load(sources: &Sources<'_>) -> Result<Policy, Vec<PolicyFault>> {
    let mut of_catalog = Faults::new(PolicyFile::Catalog, sources.catalog);
    let mut of_ceiling = Faults::new(PolicyFile::Ceiling, sources.ceiling);
    let mut of_policy = Faults::new(PolicyFile::Policy, sources.policy);

    let catalog = catalogue::read(sources.catalog, &mut of_catalog);
    let ceiling = ceiling::read(sources.ceiling, &mut of_ceiling);
    let text = read_policy(sources.policy, &mut of_policy);
    let mut policy = None;
    if let Some(text) = &text {
        check::all(&text.rules, ceiling.as_ref(), &mut of_policy);
        if let (Some(header), Some(catalog)) = (&text.header, catalog)
            && header.catalog != catalog
        {
            of_policy.add("policy.catalog", format!("the catalogue given is version {catalog}: name that one"));
        }
    }
    let sound = of_catalog.is_empty() && of_ceiling.is_empty() && of_policy.is_empty();
    if let (true, Some(text), Some(ceiling)) = (sound, text, ceiling) {
        policy = enumerated(text, ceiling, &mut of_policy);
    }
    let faults: Vec<PolicyFault> =
        [of_catalog, of_ceiling, of_policy].into_iter().flat_map(Faults::into_list).collect();
    match policy {
        Some(policy) if faults.is_empty() => Ok(policy),
        _ => Err(faults),
    }
}

/// A policy text as read, each rule with its path.
struct PolicyText {
    header: Option<Header>,
    rules: Vec<(String, Rule)>,
}

/// Compiles the policy and proves its properties; a violation is a fault at its rule.
fn enumerated(text: PolicyText, ceiling: Ceiling, faults: &mut Faults<'_>) -> Option<Policy> {
    let paths: Vec<(String, String)> = text.rules.iter().map(|(path, r)| (r.id().to_owned(), path.clone())).collect();
    let mut rules: Vec<Rule> = text.rules.into_iter().map(|(_, rule)| rule).collect();
    rules.sort_by_key(|r| (r.recipient, r.purpose));
    let header = text.header?;
    let digest = digest::policy(&header, &rules, &ceiling);
    let policy = Policy::assemble(header, ceiling, rules, digest);
    let report = enumerate::check(&policy, policy.ceiling());
    for violation in &report.violations {
        let path = paths.iter().find(|(id, _)| *id == violation.rule).map_or("", |(_, path)| path.as_str());
        let reason = format!(
            "not so: {}; {} points break it, the first is {}; change the clauses so that none does",
            violation.property, violation.count, violation.example
        );
        faults.add(path, reason);
    }
    report.violations.is_empty().then_some(policy)
}

fn read_policy(source: &str, faults: &mut Faults<'_>) -> Option<PolicyText> {
    let table = read::parse(source, faults)?;
    let mut root = Section::root(&table);
    let header = root.required("policy", faults).and_then(|item| header(&item, faults));
    let controller = header.as_ref().map(|h| h.controller.clone());
    let items = root.list("rule", faults);
    if items.is_empty() {
        faults.add("rule", "a policy without a rule refuses everything: add a [[rule]]");
    }
    let read = |item: &Item<'_>| Some((item.path.clone(), rule::read(item, controller.as_deref(), faults)?));
    let rules = items.iter().filter_map(read).collect();
    root.finish(faults);
    Some(PolicyText { header, rules })
}

fn header(item: &Item<'_>, faults: &mut Faults<'_>) -> Option<Header> {
    let mut section = item.section(faults)?;
    if section.text("format", faults).is_some_and(|f| f != FORMAT) {
        faults.add(&section.path("format"), format!("this program reads `{FORMAT}` only"));
    }
    let name = section.text("name", faults);
    let version = section.number("version", faults);
    let catalog = section.number("catalog", faults);
    let previous = section.item("previous", faults).and_then(|item| item.text(faults));
    let valid_from = section.required("valid_from", faults).and_then(|item| item.moment(faults));
    let controller = section.text("controller", faults);
    let privacy_statement = section.text("privacy_statement", faults);
    if let Some(code) = controller.filter(|c| !basis::is_controller(c)) {
        let reason = format!("unknown controller `{code}`: use one of {}", basis::controller_codes());
        faults.add(&section.path("controller"), reason);
    }
    match (version, previous) {
        (Some(2..), None) => {
            faults.add(&section.path("previous"), "name the version before: \"sha256:<64 hex digits>\"")
        }
        (Some(1), Some(_)) => faults.add(&section.path("previous"), "version 1 has no version before it: remove this"),
        (_, Some(digest)) if !is_digest(digest) => {
            faults.add(&section.path("previous"), "write it as \"sha256:<64 lower-case hex digits>\"");
        }
        _ => {}
    }
    section.finish(faults);
    Some(Header {
        name: name?.to_owned(),
        version: version?,
        catalog: catalog?,
        previous: previous.map(str::to_owned),
        valid_from: valid_from?,
        controller: controller?.to_owned(),
        privacy_statement: privacy_statement?.to_owned(),
    })
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}
