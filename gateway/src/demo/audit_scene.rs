//! The audit scene: The Hague audits a declaration read from a file, with right and wrong lines.

use super::organisations::{ROTTERDAM, THE_HAGUE};
use super::scenes::Stage;
use crate::cli::{Failure, connect, on_wire, print_findings, read_declaration};
use crate::client::audit::{Finished, LineResult};
use sluis_adapters::ijw::DeclaredLine;
use sluis_proto::v1;

impl Stage<'_> {
    /// Audits the declaration; every line that was made wrong must be found, and no other.
    ///
    /// # Errors
    /// When the audit does not end.
    pub async fn audit(&mut self, verifier_key: &str) -> Result<(), Failure> {
        let scene = "the declaration of Family Supporters (JW323), audited by The Hague";
        let (header, lines) = read_declaration(&self.folder.declaration())?;
        let connection = connect(&self.folder.profile(&THE_HAGUE)).await?;
        let opening = v1::AuditOpening {
            declaration_number: header.number.clone(),
            provider_agb: header.sender_agb.clone(),
            actor: "controller-7".to_owned(),
        };
        let sent = lines.iter().map(on_wire).collect();
        let finished = connection.audit(opening.clone(), sent, verifier_key, |_| ()).await?;
        println!("\n▸ {} asks: {scene}", THE_HAGUE.name);
        println!("    declaration {}, {} lines, audit {}", header.number, lines.len(), finished.audit_id);
        print_findings(&lines, &finished);
        println!("    each line is a question of its own; their findings stand in one PAGE entry of the log");
        let agreed = lines.iter().zip(&finished.lines).find(|(_, found)| found.extract.is_some());
        let right = agreed.map(|(declared, _)| declared.clone()).ok_or("no line of the declaration agrees")?;
        self.count(scene, finished);
        self.another_municipality(opening, right, verifier_key).await
    }

    /// A line that was right for The Hague, audited by Rotterdam: nothing may be told, not even that it is right.
    async fn another_municipality(
        &mut self,
        opening: v1::AuditOpening,
        right: DeclaredLine,
        verifier_key: &str,
    ) -> Result<(), Failure> {
        let scene = "one of the lines that agreed, audited by Rotterdam";
        let connection = connect(&self.folder.profile(&ROTTERDAM)).await?;
        let finished = connection.audit(opening, vec![on_wire(&right)], verifier_key, |_| ()).await?;
        println!("\n▸ {} asks: {scene}", ROTTERDAM.name);
        print_findings(std::slice::from_ref(&right), &finished);
        let told = finished.lines.iter().filter(|l| l.finding != v1::Finding::NotConfirmed || l.extract.is_some());
        self.tally.expect(scene, told.count() == 0, "another municipality was told about a client");
        self.tally.requests += 1;
        self.tally.refused += 1;
        self.tally.receipts.extend(finished.receipts);
        Ok(())
    }

    fn count(&mut self, scene: &str, finished: Finished) {
        let agreed: Vec<&LineResult> = finished.lines.iter().filter(|l| l.extract.is_some()).collect();
        self.tally.requests += u32::try_from(finished.lines.len()).unwrap_or(u32::MAX);
        self.tally.released += u32::try_from(agreed.len()).unwrap_or(u32::MAX);
        self.tally.refused += u32::try_from(finished.lines.len() - agreed.len()).unwrap_or(u32::MAX);
        if let Some(extract) = agreed.first().and_then(|l| l.extract.as_ref()) {
            println!("    {} lines agree; of each left, by rule {} on {}:", agreed.len(), extract.rule, extract.basis);
            let fields: Vec<_> = extract.values.iter().map(|v| crate::client::describe::field(v.field)).collect();
            println!("      {}", fields.join(", "));
        }
        let without: Vec<_> = agreed.iter().filter(|l| !has_address(l)).map(|l| l.reference.as_str()).collect();
        println!("    without an address, because the residence is secret: {}", without.join(", "));
        let found: Vec<_> =
            finished.lines.iter().filter(|l| l.finding != v1::Finding::Agrees).map(|l| l.reference.clone()).collect();
        let mut planted = self.folder.planted.clone();
        planted.sort();
        self.tally.expect(scene, found == planted, &format!("planted {planted:?}, found {found:?}"));
        self.tally.expect(scene, without.len() == 1, "expected one line with a secret residence");
        self.tally.receipts.extend(finished.receipts);
    }
}

fn has_address(line: &LineResult) -> bool {
    let address = v1::Field::Address as i32;
    line.extract.as_ref().is_some_and(|e| e.values.iter().any(|v| v.field == address))
}
