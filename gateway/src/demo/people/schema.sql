-- The database of the demo's holder. All people in it are made up; every BSN lies in the range for tests.
-- Sluis only reads it, through the column map of gateway/policy/holder.toml.

CREATE TABLE client (
  client_number     TEXT PRIMARY KEY,  -- KR-100001 and on
  bsn               TEXT UNIQUE,       -- nine digits
  first_name        TEXT NOT NULL,
  prefix            TEXT,              -- voorvoegsel: van der, de
  last_name         TEXT NOT NULL,
  gender            TEXT NOT NULL,     -- COD046: 0 unknown, 1 male, 2 female
  birth_date        TEXT NOT NULL,     -- YYYY-MM-DD
  street            TEXT NOT NULL,
  house_number      TEXT NOT NULL,
  postcode          TEXT NOT NULL,     -- 2548AB, without a space
  place             TEXT NOT NULL,
  phone             TEXT,
  email             TEXT,
  municipality_code TEXT,              -- CBS code of the responsible municipality (woonplaatsbeginsel)
  active_case       INTEGER NOT NULL,  -- 1 while care is running
  residence_secret  INTEGER NOT NULL,  -- 1 when the residence must stay secret (RJ 6a.6)
  reimbursement     TEXT,
  help_question     TEXT,
  health_summary    TEXT,
  plan              TEXT,
  plan_summary      TEXT,
  care_status       TEXT,
  appointments      TEXT,
  parents_reports   TEXT,
  av_recordings     TEXT,              -- reference of a recording, never its content
  whereabouts       TEXT,
  danger_nature     TEXT,
  persons_at_risk   TEXT,
  end_reason        TEXT,              -- JZ588, of ended cases
  session_notes     TEXT,
  youth_confidential TEXT,
  care_form         TEXT,
  crisis_start      TEXT,
  referrer_type     TEXT,              -- COD327
  outcome           TEXT,              -- mark 1 to 10, of ended cases
  informant         TEXT,
  worker_contact    TEXT,
  registered_on     TEXT NOT NULL,     -- of the registration (aanmelding)
  financing         TEXT NOT NULL,     -- the law that pays: jeugdwet, zvw, other
  insurer_uzovi     TEXT,              -- four digits
  performance_code  TEXT,              -- of care under the Zvw
  diagnosis_group   TEXT,              -- of mental health care under the Zvw
  privacy_statement INTEGER NOT NULL,  -- 1 when signed: nothing that reveals a diagnosis goes to the insurer
  gp_agb            TEXT,              -- eight digits
  referrer_agb      TEXT               -- eight digits, where somebody with an AGB code referred
);
CREATE INDEX client_by_municipality ON client (municipality_code);

CREATE TABLE parent (
  parent_id  TEXT PRIMARY KEY,         -- as the portal names the person: parent-000123
  first_name TEXT NOT NULL,
  prefix     TEXT,
  last_name  TEXT NOT NULL,
  phone      TEXT,
  email      TEXT
);

CREATE TABLE client_parent (
  client_number TEXT NOT NULL REFERENCES client,
  parent_id     TEXT NOT NULL REFERENCES parent,
  authority     TEXT NOT NULL,         -- verified, unverified, not_held
  PRIMARY KEY (client_number, parent_id)
) WITHOUT ROWID;

CREATE TABLE caseload (
  client_number TEXT NOT NULL REFERENCES client,
  partner_oin   TEXT NOT NULL,
  worker        TEXT NOT NULL,         -- as the partner names the person: fs-0012
  since         TEXT NOT NULL,
  until         TEXT,                  -- NULL while the worker is involved
  PRIMARY KEY (client_number, partner_oin, worker)
) WITHOUT ROWID;
CREATE INDEX caseload_of_worker ON caseload (worker);

CREATE TABLE objection (
  client_number TEXT NOT NULL REFERENCES client,
  kind          TEXT NOT NULL,         -- SHARE_WITH_PARENTS
  made_on       TEXT NOT NULL,
  PRIMARY KEY (client_number, kind)
) WITHOUT ROWID;

-- One row per service and calendar month: the data of RJ 6a.1. Amounts in eurocents.
CREATE TABLE billing (
  record_id         TEXT PRIMARY KEY,
  client_number     TEXT NOT NULL REFERENCES client,
  provider_agb      TEXT NOT NULL,     -- eight digits
  allocation_number INTEGER NOT NULL,
  product_category  TEXT NOT NULL,     -- JZ020
  product_code      TEXT NOT NULL,
  period_begin      TEXT NOT NULL,
  period_end        TEXT NOT NULL,
  volume            INTEGER NOT NULL,
  unit              TEXT NOT NULL,     -- WJ756
  tariff            INTEGER,           -- NULL when the unit is euros (83)
  amount            INTEGER NOT NULL,
  start_date        TEXT NOT NULL,     -- of the care
  end_date          TEXT,
  referring_doctor  TEXT,
  decision_number   TEXT,
  measure_type      TEXT
);
CREATE INDEX billing_of_client ON billing (client_number, period_begin);
CREATE INDEX billing_of_provider ON billing (provider_agb, period_begin);
