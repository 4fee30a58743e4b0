//! What can stop a question without an answer: never a refusal, which is a reply with a receipt.

use sluis_core::field::Field;
use sluis_core::ports::{DossierError, StoreError};
use sluis_core::standing::ChangeRefused;

/// Why a call ended without a reply. Nothing was released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The organisation is unknown here, suspended, or its agreement has ended.
    #[error("this organisation is not enrolled here, is suspended, or its agreement has ended: ask the holder")]
    NotEnrolled,
    /// The organisation is enrolled with other certificates.
    #[error("this certificate is not one of those your organisation is enrolled with: ask the holder to add it")]
    OtherCertificate,
    /// Two roles of the organisation name the purpose with different rights.
    #[error(
        "two roles of your organisation name this purpose with different rights: ask the holder to tell them apart"
    )]
    AmbiguousEnrolment,
    /// Enrolments were not read or changed.
    #[error(transparent)]
    Enrolling(Box<crate::enrolling::EnrollingFault>),
    /// The key that signed the token was taken away, or its certificate has ended, while the call was in progress.
    #[error("the key that signed the token is not believed any more: fetch a new token, and repeat the call")]
    SignerNotBelieved,
    /// The token's grant is not the current one.
    #[error("the grant in the token is not current: fetch a new token")]
    GrantNotCurrent,
    /// The grant is of the caller, but says something else about delegation than the token.
    #[error("the grant does not say what the token says about delegation (act, pdi): agree on a contract that does")]
    DelegationNotGranted,
    /// The organisation on whose behalf the call is made is unknown here, suspended, or its agreement has ended.
    #[error("the organisation on whose behalf you call is not enrolled here, is suspended, or its agreement has ended")]
    DelegatorNotEnrolled,
    /// Standing may be recorded by the holder's own systems only.
    #[error("only the holder's own systems may record standing")]
    MayNotRecord,
    /// The mask names fields that this type of recipient can never get for this purpose.
    #[error("{} can never be released to you for this purpose: leave it out of `fields`", codes(.0))]
    FieldNotPermitted(Vec<Field>),
    /// The role has no legal ground to use a BSN.
    #[error("your role has no legal ground to use a BSN (UAVG 46): name the client by `client_number`")]
    BsnNotAllowed,
    /// The holder does not know the client whose standing is recorded.
    #[error("the holder has no client under this identifier")]
    UnknownClient,
    /// The caller has no entry under this transaction id; another organisation may have one.
    #[error(
        "no such receipt for this caller: no entry of your organisation stands under this transaction id; a call that \
         never arrived or ended in an error has none: repeat it under its id"
    )]
    ReceiptUnknown,
    /// There is no manual disclosure at this index, or what it said was erased.
    #[error("there is no manual disclosure at this index, or what it said was erased: `sluis manual open` lists them")]
    DisclosureUnknown,
    /// A review stands already.
    #[error("this disclosure has been reviewed already")]
    DisclosureReviewed,
    /// The reviewer told it himself.
    #[error("the review must come from another person than the one who told it")]
    ReviewerDisclosed,
    /// The transaction id was used for another question.
    #[error("this transaction id was used for another question: use a new one")]
    TransactionReused,
    /// The same question has another outcome now.
    #[error("the outcome of this question has changed since: ask again under a new transaction id")]
    OutcomeChanged,
    /// Standing kept changing.
    #[error("standing changed while the question was decided: try again")]
    TryAgain,
    /// The change cannot be applied.
    #[error(transparent)]
    ChangeRefused(#[from] ChangeRefused),
    /// The policy's number is below the highest ever active here (A14).
    #[error("this policy is older than the one in force: raise its `version`")]
    PolicyTooOld,
    /// A store did not answer; nothing happened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A defect; the text is for our own log.
    #[error("internal: {0}")]
    Defect(&'static str),
}

fn codes(fields: &[Field]) -> String {
    fields.iter().map(|f| format!("`{}`", f.code())).collect::<Vec<_>>().join(", ")
}

impl From<DossierError> for Fault {
    fn from(error: DossierError) -> Self {
        match error {
            DossierError::Store(error) => Self::Store(error),
            DossierError::OtherSubject => Self::Defect("the source answered for another subject"),
            DossierError::Absent => Self::Defect("the source has facts but no dossier"),
            DossierError::Changed => Self::TryAgain,
            DossierError::Extract(_) => Self::Defect("the source answered a field that was not permitted"),
        }
    }
}
