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
use sluis_core::enrolment::select::{NotAdmitted, select};
use sluis_core::enrolment::{Enrolment, FscGrant};
use sluis_core::log::draft::GuardKey;
use sluis_core::organisation::{Oin, Purpose};
use sluis_core::subject::dutch_date;

impl Gateway {
    /// Admits a caller for a purpose: certificate in force and enrolled, signer of the token believed, not suspended,
    /// agreement in force, grant current.
    /// Called for every call and for every page of a stream.
    ///
    /// # Errors
    /// [`Fault::NotEnrolled`], [`Fault::SignerNotBelieved`], [`Fault::OtherCertificate`], [`Fault::AmbiguousEnrolment`],
    /// [`Fault::GrantNotCurrent`], [`Fault::DelegationNotGranted`], [`Fault::DelegatorNotEnrolled`], or a store that does
    /// not answer.
    pub async fn admit(&self, caller: &Caller, purpose: Option<Purpose>) -> Result<Admitted, Fault> {
        let row = self.register.enrolments(&caller.oin).await?;
        let now = self.clock.now();
        let today = dutch_date(now);
        if now > caller.certified_until || row.state.is_empty() {
            return Err(Fault::NotEnrolled);
        }
        if !caller.signer.is_believed(now) {
            return Err(Fault::SignerNotBelieved);
        }
        let under = match caller.connection.issued_by {
            IssuedBy::Endpoint if *self.grants.grant(&caller.oin, &row) != *caller.connection.grant => {
                return Err(Fault::GrantNotCurrent);
            }
            IssuedBy::Endpoint => row.state,
            IssuedBy::Manager => granted(row.state, &caller.connection, today)?,
        };
        let enrolment = select(&under, purpose, &caller.thumbprint, today).map_err(not_admitted)?.clone();
        self.flag_first_use(&caller.oin, &caller.thumbprint, &enrolment, row.version).await?;
        let relies_on = vec![(GuardKey::Organisation(caller.oin.clone()), row.version)];
        let admitted = Admitted { enrolment, relies_on };
        match &caller.connection.delegator {
            None => Ok(admitted),
            Some(delegator) => self.on_behalf_of(caller, delegator, admitted, (purpose, today)).await,
        }
    }

    /// Admits a caller to the proofs of the log: whoever is admitted at all, and the holder itself, which need not be enrolled.
    ///
    /// # Errors
    /// Those of [`Gateway::admit`], or [`Fault::OtherCertificate`] for the holder.
    pub async fn admit_to_log(&self, caller: &Caller) -> Result<(), Fault> {
        if self.enrolling.is_holder(caller) {
            return self.holder_only(caller).await;
        }
        self.admit(caller, None).await.map(drop)
    }

    /// The admission of a caller that calls on behalf of another: that other must be enrolled itself.
    async fn on_behalf_of(
        &self,
        caller: &Caller,
        delegator: &Oin,
        own: Admitted,
        (purpose, today): (Option<Purpose>, Date),
    ) -> Result<Admitted, Fault> {
        let row = self.register.enrolments(delegator).await?;
        let mut relies_on = own.relies_on;
        relies_on.push((GuardKey::Organisation(delegator.clone()), row.version));
        // The certificate of the call is not the delegator's: which ones it calls with itself says nothing here.
        let free = |enrolment: Enrolment| Enrolment { certificates: Vec::new(), ..enrolment };
        let delegators: Vec<_> = row.state.into_iter().map(free).collect();
        let delegators = select(&delegators, purpose, "", today).map_err(|why| match why {
            NotAdmitted::Ambiguous => Fault::AmbiguousEnrolment,
            NotAdmitted::NotInForce | NotAdmitted::OtherCertificate => Fault::DelegatorNotEnrolled,
        })?;
        // Its rights are used now, though it does not call itself: the certificate in the entry is the caller's.
        self.flag_first_use(delegator, &caller.thumbprint, delegators, row.version).await?;
        Ok(Admitted { enrolment: delegators.clone().exercised_by(&own.enrolment), relies_on })
    }
}

const fn not_admitted(why: NotAdmitted) -> Fault {
    match why {
        NotAdmitted::NotInForce => Fault::NotEnrolled,
        NotAdmitted::OtherCertificate => Fault::OtherCertificate,
        NotAdmitted::Ambiguous => Fault::AmbiguousEnrolment,
    }
}

/// The enrolments in force that hold the grant of the connection and say the same about delegation.
fn granted(
    mut enrolments: Vec<Enrolment>,
    connection: &ServiceConnection,
    today: Date,
) -> Result<Vec<Enrolment>, Fault> {
    enrolments.retain(|enrolment| enrolment.in_force(today));
    if enrolments.is_empty() {
        return Err(Fault::NotEnrolled);
    }
    let holds = |grant: &FscGrant| grant.holds(&connection.grant, today);
    let says = |grant: &FscGrant| {
        holds(grant) && grant.says(connection.delegator.as_ref(), connection.publication_delegator.as_ref())
    };
    let is_known = enrolments.iter().any(|e| e.fsc_grants.iter().any(holds));
    enrolments.retain(|e| e.fsc_grants.iter().any(says));
    let missing = if is_known { Fault::DelegationNotGranted } else { Fault::GrantNotCurrent };
    if enrolments.is_empty() { Err(missing) } else { Ok(enrolments) }
}
