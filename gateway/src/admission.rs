//! Admission: whether an organisation may come in at all, and under which enrolment. Asked for every call and every page.
//!
//! A token of our own endpoint names the hash of all enrolments of the caller: any change of them ends it. A token of the
//! FSC Manager names a grant of a contract, which must stand in an enrolment of the caller that is in force, and must
//! say exactly what the token says about delegation. Who calls on behalf of another is admitted only where both are,
//! and is judged as that other, narrowed by what it may itself (docs/decisions/0012).

use crate::fault::Fault;
use crate::fsc::connection::ServiceConnection;
use crate::gateway::Gateway;
use crate::gather::{Admitted, Caller};
use crate::token::verify::IssuedBy;
use jiff::civil::Date;
use sluis_core::enrolment::{Enrolment, FscGrant};
use sluis_core::log::draft::{GuardKey, Versioned};
use sluis_core::organisation::{Oin, Purpose};
use sluis_core::subject::dutch_date;

impl Gateway {
    /// Admits a caller for a purpose: certificate in force, enrolled, not suspended, agreement in force, grant current.
    /// Called for every call and for every page of a stream.
    ///
    /// # Errors
    /// [`Fault::NotEnrolled`], [`Fault::GrantNotCurrent`], [`Fault::DelegationNotGranted`], [`Fault::DelegatorNotEnrolled`],
    /// or a store that does not answer.
    pub async fn admit(&self, caller: &Caller, purpose: Option<Purpose>) -> Result<Admitted, Fault> {
        let row = self.register.enrolments(&caller.oin).await?;
        let now = self.clock.now();
        let today = dutch_date(now);
        if now > caller.certified_until || row.state.is_empty() {
            return Err(Fault::NotEnrolled);
        }
        let relies_on = vec![(GuardKey::Organisation(caller.oin.clone()), row.version)];
        let enrolment = match caller.connection.issued_by {
            IssuedBy::Endpoint => {
                if *self.grants.grant(&caller.oin, &row) != *caller.connection.grant {
                    return Err(Fault::GrantNotCurrent);
                }
                chosen(in_force(row, today), purpose).ok_or(Fault::NotEnrolled)?
            }
            IssuedBy::Manager => granted(in_force(row, today), &caller.connection, purpose, today)?,
        };
        let admitted = Admitted { enrolment, relies_on };
        match &caller.connection.delegator {
            None => Ok(admitted),
            Some(delegator) => self.on_behalf_of(delegator, admitted, purpose, today).await,
        }
    }

    /// The admission of a caller that calls on behalf of another: that other must be enrolled itself.
    async fn on_behalf_of(
        &self,
        delegator: &Oin,
        own: Admitted,
        purpose: Option<Purpose>,
        today: Date,
    ) -> Result<Admitted, Fault> {
        let row = self.register.enrolments(delegator).await?;
        let mut relies_on = own.relies_on;
        relies_on.push((GuardKey::Organisation(delegator.clone()), row.version));
        let delegators = chosen(in_force(row, today), purpose).ok_or(Fault::DelegatorNotEnrolled)?;
        Ok(Admitted { enrolment: delegators.exercised_by(&own.enrolment), relies_on })
    }
}

fn in_force(row: Versioned<Vec<Enrolment>>, today: Date) -> Vec<Enrolment> {
    row.state.into_iter().filter(|enrolment| enrolment.in_force(today)).collect()
}

/// The enrolment that names the purpose, else the first: the decision then refuses, and the refusal is logged.
fn chosen(mut enrolments: Vec<Enrolment>, purpose: Option<Purpose>) -> Option<Enrolment> {
    let names = |e: &Enrolment| purpose.is_none_or(|p| e.purposes.contains(&p));
    let place = enrolments.iter().position(names).unwrap_or(0);
    (place < enrolments.len()).then(|| enrolments.swap_remove(place))
}

/// The enrolment that holds the grant of the connection and says the same about delegation.
fn granted(
    enrolments: Vec<Enrolment>,
    connection: &ServiceConnection,
    purpose: Option<Purpose>,
    today: Date,
) -> Result<Enrolment, Fault> {
    if enrolments.is_empty() {
        return Err(Fault::NotEnrolled);
    }
    let holds = |grant: &FscGrant| grant.holds(&connection.grant, today);
    let says = |grant: &FscGrant| {
        holds(grant) && grant.says(connection.delegator.as_ref(), connection.publication_delegator.as_ref())
    };
    let is_known = enrolments.iter().any(|e| e.fsc_grants.iter().any(holds));
    let under: Vec<_> = enrolments.into_iter().filter(|e| e.fsc_grants.iter().any(says)).collect();
    let missing = if is_known { Fault::DelegationNotGranted } else { Fault::GrantNotCurrent };
    chosen(under, purpose).ok_or(missing)
}
