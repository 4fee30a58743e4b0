//! Every id of the public test-suite of FSC, and where it is tested here or why not.

/// What becomes of an id, or of all ids that begin so.
enum Here {
    /// A test whose name begins with the id.
    Tested(&'static str),
    /// It asks for a component that Sluis is not.
    NotApplicable(&'static str),
}

use Here::{NotApplicable, Tested};

const NO_CONTRACTS: &str = "contracts are negotiated and signed between Managers; an Inway sees only their grants";
const NO_OUTWAY: &str = "Sluis is at the providing side: its clients carry their own token, they forward no calls";

/// Ids as the suite writes them, by component. A number of ids stands behind a prefix.
const IDS: [(&str, usize, Here); 33] = [
    ("Inway-Incoming-Request-1", 1, Tested("inway_incoming_request_1_")),
    ("Inway-Incoming-Request-2", 1, Tested("inway_incoming_request_2_")),
    ("Inway-Incoming-Request-3", 1, Tested("inway_incoming_request_3_")),
    ("Inway-Incoming-Request-4", 1, Tested("inway_incoming_request_4_")),
    ("Inway-Incoming-Request-5", 1, Tested("inway_incoming_request_5_")),
    ("Inway-Incoming-Request-6", 1, Tested("inway_incoming_request_6_")),
    ("Inway-TransactionLog-1", 1, Tested("inway_transaction_log_1_")),
    ("Inway-TransactionLog-2", 1, Tested("inway_transaction_log_2_")),
    ("Inway-TransactionLog-3", 1, Tested("inway_transaction_log_3_")),
    ("Inway-TransactionLog-4", 1, Tested("inway_transaction_log_4_")),
    ("Inway-TransactionLog-5", 1, Tested("inway_transaction_log_5_")),
    ("Inway-TransactionLog-6", 1, Tested("inway_transaction_log_6_")),
    ("Inway-Port-1", 1, Tested("inway_port_1_")),
    ("Integration-ConsumeService-1", 1, Tested("integration_consume_service_1_")),
    ("Integration-ConsumeService-2", 1, Tested("integration_consume_service_2_")),
    ("Integration-ConsumeServiceAsDelegatee-1", 1, Tested("integration_consume_service_as_delegatee_1_")),
    ("Integration-ConsumeDelegatedService-1", 1, Tested("integration_consume_delegated_service_1_")),
    ("Integration-ConsumeDelegatedService-2", 1, Tested("integration_consume_delegated_service_2_")),
    ("Integration-TransactionLog-1", 1, Tested("integration_transaction_log_1_")),
    ("Outway-IncomingRequest-", 3, NotApplicable(NO_OUTWAY)),
    ("Outway-TransactionLog-", 5, NotApplicable(NO_OUTWAY)),
    ("Manager-SubmitContract-", 10, NotApplicable(NO_CONTRACTS)),
    ("Manager-AcceptContract-", 5, NotApplicable(NO_CONTRACTS)),
    ("Manager-RejectContract-", 5, NotApplicable(NO_CONTRACTS)),
    ("Manager-RevokeContract-", 5, NotApplicable(NO_CONTRACTS)),
    ("Manager-Contracts-", 2, NotApplicable(NO_CONTRACTS)),
    (
        "Manager-GetToken-",
        5,
        NotApplicable("tokens under contracts are the Manager's; our own endpoint knows no contracts"),
    ),
    ("Manager-PeerInfo-", 1, NotApplicable("the directory of peers is the Manager's")),
    ("Manager-Peers-", 2, NotApplicable("the directory of peers is the Manager's")),
    ("Manager-Services-", 1, NotApplicable("services are listed by the directory")),
    (
        "Manager-TransactionLogRecord-",
        1,
        NotApplicable(
            "the Manager serves the records; `sluis log fsc-records --peer` gives it them, tested at Inway-TransactionLog-4",
        ),
    ),
    ("Manager-Port-", 1, NotApplicable("there is no Manager that listens")),
    ("Manager-JSONWebKeySet-", 1, NotApplicable("the keys of tokens are the Manager's")),
];

#[test]
fn every_id_is_tested_or_has_a_reason() {
    let sources =
        [include_str!("inway.rs"), include_str!("transaction_log.rs"), include_str!("integration.rs")].concat();
    let mut names = std::collections::BTreeSet::new();
    let (mut tested, mut others) = (0, 0);
    for (id, count, here) in IDS {
        assert!(names.insert(id), "{id} stands here twice");
        match here {
            Tested(name) => {
                assert_eq!(sources.matches(&format!("async fn {name}")).count(), 1, "{id}");
                tested += count;
            }
            NotApplicable(reason) => {
                assert!(reason.len() > 20, "{id}");
                others += count;
            }
        }
    }
    // 13 of Inways, 6 of integration; 8 of Outways and 39 of Managers.
    assert_eq!((tested, others), (19, 47));
}
