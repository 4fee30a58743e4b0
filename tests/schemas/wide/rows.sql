-- Z-1: in order. Z-2: secret by the second mark only, an unknown code. Z-3: nothing filled in where it matters.
INSERT INTO "Cliënten" VALUES
  ('Z-1', '999900043', 'Noor                ', 'van der   ', 'Berg                          ', 'V ', '14-03-2016',
   'Lange Voorhout', 12, 'B', '2514 EA', 'Den Haag', '0700000001', 'CanaryTelTwo1', 'noor@example.org', 'Den Haag',
   'J', 'N', '0', 'Anna van der Berg', '0700000011', 'J', 'Piet Jansen', 'CanaryTelFather1', 'N', 'Question of Z-1',
   'Health of Z-1', 'Plan of Z-1', 'Summary of Z-1', 'Status of Z-1', 'Appointments of Z-1', 'CanaryConfided1', '3311',
   '01999999', '01-02-2024'),
  ('Z-2', '12345672', 'Sam', NULL, 'Bakker', '?', '00-00-2016', 'CanarySecretStreet', 9104, NULL, '9996ZZ',
   'CanarySecretTown', 'CanaryTelOne2', 'CanaryTelTwo2', 'CanaryMail2', 'Den Haag', 'J', 'N', '7', 'Els Bakker',
   'CanaryTelMother2', 'J', NULL, NULL, NULL, 'Question of Z-2', 'Health of Z-2', 'Plan of Z-2', 'Summary of Z-2',
   'Status of Z-2', 'Appointments of Z-2', 'CanaryConfided2', NULL, NULL, NULL),
  ('Z-3', NULL, 'CanaryBo', NULL, 'CanaryVisser', 'M', '01-01-2016', 'CanaryStreet3', 9105, NULL, '9995ZZ', 'CanaryTown3',
   'CanaryTelOne3', NULL, 'CanaryMail3', 'Elders', 'misschien', NULL, '0', 'CanaryMother3', NULL, 'CanaryCode3', NULL,
   NULL, NULL, 'CanaryQuestion3', 'CanaryHealth3', 'CanaryPlan3', 'CanarySummary3', 'CanaryStatus3',
   'CanaryAppointments3', 'CanaryConfided3', 'CanaryInsurer3', NULL, NULL);
INSERT INTO "Facturen" VALUES
  ('F-1', 'Z-1', '7001', '45', '45A04', 20261001, 20261031, 120, 'min', 112, 134.40, 'CanaryNote1'),
  ('F-2', 'Z-2', '7001', '45', '45A04', 20261001, 20261031, 120, 'min', 112, 134.40, 'CanaryNote2'),
  ('F-3', 'Z-1', '7001', '45', '45A04', 20261101, 20261130, 120, 'CanaryUnit', 112, 134.40, 'CanaryNote3');
