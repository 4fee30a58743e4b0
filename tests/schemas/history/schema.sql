-- A dossier system that is not ours: one table of persons for children and adults, and a table of its own for everything
-- that changes in time. All people are made up.

CREATE TABLE "Person" (
  "PersonId"  INTEGER PRIMARY KEY,
  "BirthDate" INTEGER NOT NULL,        -- 20150314; zeros for a month or day that is not known
  "Sex"       TEXT,                    -- V, M, X
  "Remark"    TEXT
);

CREATE TABLE "PersonNumber" (          -- a BSN that was corrected stays, with its last day
  "PersonId"  INTEGER NOT NULL REFERENCES "Person",
  "Kind"      TEXT NOT NULL,           -- BSN, OLD
  "Number"    INTEGER NOT NULL,        -- leading zeros are lost
  "ValidFrom" TEXT,
  "LastDay"   TEXT
);
CREATE INDEX "PersonNumberByNumber" ON "PersonNumber" ("Number");
CREATE INDEX "PersonNumberByPerson" ON "PersonNumber" ("PersonId");

CREATE TABLE "PersonName" (
  "PersonId"   INTEGER NOT NULL REFERENCES "Person",
  "GivenName"  TEXT,
  "Prefix"     TEXT,
  "FamilyName" TEXT,
  "Since"      TEXT NOT NULL
);
CREATE INDEX "PersonNameByPerson" ON "PersonName" ("PersonId");

CREATE TABLE "Address" (
  "PersonId"  INTEGER NOT NULL REFERENCES "Person",
  "Kind"      TEXT NOT NULL,           -- W home, P post
  "Street"    TEXT,
  "Number"    INTEGER,
  "Postcode"  TEXT,
  "Town"      TEXT,
  "ValidFrom" TEXT,
  "ValidTo"   TEXT,                    -- first day on which it no longer holds
  "Secrecy"   INTEGER                  -- BRP: 0 none, 1 to 7 secret
);
CREATE INDEX "AddressByPerson" ON "Address" ("PersonId");

CREATE TABLE "Reach" (
  "PersonId" INTEGER NOT NULL REFERENCES "Person",
  "Kind"     TEXT NOT NULL,            -- TEL, MAIL
  "Value"    TEXT,
  "Removed"  TEXT                      -- nothing while it is in use
);
CREATE INDEX "ReachByPerson" ON "Reach" ("PersonId");

CREATE TABLE "Dossier" (
  "DossierId"     INTEGER PRIMARY KEY,
  "PersonId"      INTEGER NOT NULL UNIQUE REFERENCES "Person",
  "DossierNumber" INTEGER NOT NULL UNIQUE,
  "OpenedOn"      TEXT,
  "ClosedOn"      TEXT,
  "Municipality"  TEXT,
  "Protected"     TEXT,                -- J, N
  "Question"      TEXT,
  "Health"        TEXT,
  "Private"       TEXT,
  "Deleted"       INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE "PlanVersion" (
  "DossierId" INTEGER NOT NULL REFERENCES "Dossier",
  "WrittenOn" TEXT NOT NULL,
  "Full"      TEXT,
  "Summary"   TEXT,
  "Progress"  TEXT
);
CREATE INDEX "PlanVersionByDossier" ON "PlanVersion" ("DossierId");

CREATE TABLE "Relation" (
  "RelationId" INTEGER PRIMARY KEY,
  "ChildId"    INTEGER NOT NULL REFERENCES "Person",
  "AdultId"    INTEGER NOT NULL REFERENCES "Person",
  "Kind"       TEXT NOT NULL,          -- OUDER, VOOGD, BUUR
  "Authority"  TEXT,                   -- G with, N without
  "ValidFrom"  TEXT,
  "ValidTo"    TEXT
);
CREATE INDEX "RelationByChild" ON "Relation" ("ChildId");

CREATE TABLE "Allocation" (
  "AllocationId" INTEGER PRIMARY KEY,
  "Number"       INTEGER NOT NULL,
  "Decision"     TEXT,
  "Category"     TEXT NOT NULL,
  "Product"      TEXT NOT NULL,
  "Unit"         TEXT NOT NULL,        -- MIN, STUK
  "Doctor"       TEXT
);

CREATE TABLE "Delivery" (
  "DeliveryId"   INTEGER PRIMARY KEY,
  "PersonId"     INTEGER NOT NULL REFERENCES "Person",
  "AllocationId" INTEGER NOT NULL REFERENCES "Allocation",
  "FirstDay"     TEXT NOT NULL,        -- 01-10-2026
  "LastDay"      TEXT NOT NULL,
  "Quantity"     REAL NOT NULL,
  "Rate"         REAL,                 -- euros
  "Total"        TEXT NOT NULL,        -- euros, with a comma
  "State"        TEXT NOT NULL,        -- SENT, DRAFT
  "Memo"         TEXT
);
CREATE INDEX "DeliveryByPerson" ON "Delivery" ("PersonId");
