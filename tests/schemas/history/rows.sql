-- Child 1: everything in order, with a past. Child 2: a secret address, a code nobody knows. Child 3: two homes at once.
INSERT INTO "Person" VALUES
  (1, 20160314, 'V', 'CanaryRemark1'), (2, 20160500, 'Q', 'CanaryRemark2'), (3, 20160101, 'M', 'CanaryRemark3'),
  (11, 19800101, 'V', 'CanaryRemark11'), (12, 19800202, 'M', 'CanaryRemark12'), (13, 19500202, 'M', 'CanaryRemark13');
INSERT INTO "PersonNumber" VALUES
  (1, 'BSN', 999900006, '2016-04-01', '2020-12-31'), (1, 'BSN', 999900043, '2021-01-01', NULL),
  (1, 'OLD', 777700007, NULL, NULL), (2, 'BSN', 999900018, NULL, NULL), (3, 'BSN', 12345672, NULL, NULL);
INSERT INTO "PersonName" VALUES
  (1, 'CanaryFormer1', NULL, 'CanaryFormerFamily1', '2016-03-14'), (1, 'Noor', 'van der', 'Berg', '2019-06-01'),
  (1, 'CanaryFuture1', NULL, 'CanaryFutureFamily1', '2999-01-01'),
  (2, 'Sam', NULL, 'Bakker', '2016-05-01'), (3, 'Bo', NULL, 'Visser', '2016-01-01'),
  (11, 'Anna', 'van der', 'Berg', '2000-01-01'), (12, 'Piet', NULL, 'Jansen', '2000-01-01'),
  (13, 'CanaryNeighbour', NULL, 'CanaryNeighbourFamily', '2000-01-01');
INSERT INTO "Address" VALUES
  (1, 'W', 'CanaryFormerStreet', 9101, '9999ZZ', 'CanaryFormerTown', '2016-03-14', '2022-07-01', 0),
  (1, 'W', 'Lange Voorhout', 12, '2514EA', 'Den Haag', '2022-07-01', NULL, 0),
  (1, 'P', 'CanaryPostStreet', 9102, '9998ZZ', 'CanaryPostTown', '2022-07-01', NULL, 0),
  (1, 'W', 'CanaryFutureStreet', 9103, '9997ZZ', 'CanaryFutureTown', '2999-01-01', NULL, 0),
  (2, 'W', 'CanarySecretStreet', 9104, '9996ZZ', 'CanarySecretTown', '2016-05-01', NULL, 7),
  (3, 'W', 'CanaryHomeOne', 9105, '9995ZZ', 'CanaryTownOne', '2016-01-01', NULL, 0),
  (3, 'W', 'CanaryHomeTwo', 9106, '9994ZZ', 'CanaryTownTwo', '2020-01-01', NULL, 0);
INSERT INTO "Reach" VALUES
  (1, 'TEL', '0700000001', NULL), (1, 'TEL', 'CanaryOldTel1', '2020-01-01'), (1, 'MAIL', 'noor@example.org', NULL),
  (2, 'TEL', 'CanaryTel2', NULL), (3, 'TEL', 'CanaryTel3', NULL), (11, 'TEL', '0700000011', NULL),
  (12, 'MAIL', 'CanaryMail12', NULL), (13, 'TEL', 'CanaryTel13', NULL);
INSERT INTO "Dossier" VALUES
  (101, 1, 50001, '2024-02-01', NULL, '0518', 'N', 'Question of 50001', 'Health of 50001', 'CanaryPrivate1', 0),
  (102, 2, 50002, '2024-02-01', NULL, '0518', 'N', 'Question of 50002', 'Health of 50002', 'CanaryPrivate2', 0),
  (103, 3, 50003, '2024-02-01', NULL, '0518', 'N', 'Question of 50003', 'Health of 50003', 'CanaryPrivate3', 0);
INSERT INTO "PlanVersion" VALUES
  (101, '2024-03-01', 'CanaryFormerPlan1', 'CanaryFormerSummary1', 'CanaryFormerProgress1'),
  (101, '2025-03-01', 'Plan of 50001', 'Summary of 50001', 'Progress of 50001'),
  (102, '2025-03-01', 'Plan of 50002', 'Summary of 50002', 'Progress of 50002'),
  (103, '2025-03-01', 'CanaryPlanA', 'CanarySummaryA', 'CanaryProgressA'),
  (103, '2025-03-01', 'CanaryPlanB', 'CanarySummaryB', 'CanaryProgressB');
INSERT INTO "Relation" VALUES
  (1, 1, 11, 'OUDER', 'G', '2016-03-14', NULL), (2, 1, 12, 'OUDER', 'N', '2016-03-14', NULL),
  (3, 1, 13, 'BUUR', 'N', NULL, NULL), (4, 1, 13, 'VOOGD', 'G', '2016-03-14', '2018-01-01'),
  (5, 2, 11, 'OUDER', 'G', NULL, NULL), (6, 3, 12, 'OUDER', 'CanaryCode', NULL, NULL);
INSERT INTO "Allocation" VALUES
  (1, 7001, 'B-2026-1', '45', '45A04', 'MIN', 'Dr. Visser'), (2, 7002, 'B-2026-2', '45', '45A04', 'CanaryUnit', NULL);
INSERT INTO "Delivery" VALUES
  (9001, 1, 1, '01-10-2026', '31-10-2026', 120.0, 1.12, '134,40', 'SENT', 'CanaryMemo1'),
  (9002, 1, 1, '01-10-2026', '31-10-2026', 999.0, 1.12, '1118,88', 'DRAFT', 'CanaryMemo2'),
  (9003, 2, 1, '01-10-2026', '31-10-2026', 120.0, 1.12, '134,40', 'SENT', 'CanaryMemo3'),
  (9004, 3, 2, '01-10-2026', '31-10-2026', 120.0, 1.12, '134,40', 'SENT', 'CanaryMemo4');
