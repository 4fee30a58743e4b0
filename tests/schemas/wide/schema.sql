-- A dossier system that is not ours: one wide table as it grew out of a spreadsheet, with Dutch names and padded text.
-- All people are made up.

CREATE TABLE "Cliënten" (
  "Cliëntnr"        TEXT PRIMARY KEY,
  "BSN"             TEXT,             -- leading zeros were lost in the spreadsheet
  "Voornaam"        CHAR(20),
  "Tussenvoegsel"   CHAR(10),
  "Achternaam"      CHAR(30),
  "M/V"             CHAR(2),
  "Geboorte datum"  TEXT,             -- 14-03-2016, 00-00-2016
  "Straat"          TEXT,
  "Huis nr"         INTEGER,
  "Toev"            TEXT,
  "Postcode"        TEXT,
  "Woonplaats"      TEXT,
  "Tel 1"           TEXT,
  "Tel 2"           TEXT,
  "E-mail"          TEXT,
  "Gemeente"        TEXT,             -- the name, not the code
  "In zorg"         TEXT,             -- J, N
  "Geheim adres"    TEXT,             -- J, N
  "BRP-geheim"      TEXT,             -- 0 to 7
  "Naam moeder"     TEXT,
  "Tel moeder"      TEXT,
  "Gezag moeder"    TEXT,             -- J, N
  "Naam vader"      TEXT,
  "Tel vader"       TEXT,
  "Gezag vader"     TEXT,
  "Hulpvraag"       TEXT,
  "Gezondheid"      TEXT,
  "Plan"            TEXT,
  "Samenvatting"    TEXT,
  "Stand van zaken" TEXT,
  "Afspraken"       TEXT,
  "Vertrouwelijk"   TEXT,
  "Verzekeraar"     TEXT,             -- UZOVI
  "Huisarts AGB"    TEXT,
  "Privacyverklaring" TEXT            -- date of signature
);
CREATE INDEX "Cliënten BSN" ON "Cliënten" ("BSN");

CREATE TABLE "Facturen" (
  "Factuurregel"  TEXT PRIMARY KEY,
  "Cliëntnr"      TEXT NOT NULL,
  "Toewijzing"    TEXT,
  "Categorie"     TEXT,
  "Product"       TEXT,
  "Van"           INTEGER,            -- 20261001
  "Tot en met"    INTEGER,
  "Aantal"        INTEGER,
  "Eenheid"       TEXT,
  "Tarief"        INTEGER,            -- cents
  "Bedrag"        NUMERIC,            -- euros
  "Notitie"       TEXT
);
CREATE INDEX "Facturen cliënt" ON "Facturen" ("Cliëntnr");
