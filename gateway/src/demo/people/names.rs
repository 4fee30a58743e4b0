//! The words people and addresses are made of.

/// First names of girls.
pub(super) const GIRLS: &[&str] = &[
    "Emma", "Julia", "Mila", "Sophie", "Olivia", "Yara", "Saar", "Nora", "Tess", "Noor", "Milou", "Sara", "Liv", "Zoë",
    "Evi", "Anna", "Luna", "Lotte", "Nina", "Eva", "Fatima", "Aïsha", "Amira", "Yasmin", "Elif", "Zeynep", "Naomi",
    "Priya", "Shanti", "Chayenne", "Roos", "Fleur", "Isa", "Jasmijn", "Maud", "Hanna", "Lieke", "Femke", "Iris",
    "Sanne", "Wiktoria", "Zuzanna", "Gabriela", "Romy", "Feline", "Britt", "Linde", "Merel", "Vera", "Puck",
];

/// First names of boys.
pub(super) const BOYS: &[&str] = &[
    "Noah", "Sem", "Liam", "Lucas", "Daan", "Finn", "Levi", "Luuk", "Mees", "James", "Milan", "Sam", "Noud", "Bram",
    "Gijs", "Thomas", "Jesse", "Thijs", "Adam", "Max", "Mohamed", "Yusuf", "Ibrahim", "Ayoub", "Bilal", "Emir",
    "Kerem", "Dewan", "Jayden", "Xavi", "Ruben", "Lars", "Stijn", "Sven", "Julian", "Teun", "Floris", "Hugo", "Tygo",
    "Jens", "Jakub", "Filip", "Antoni", "Joris", "Pepijn", "Cas", "Siem", "Otis", "Boaz", "Morris",
];

/// First names of parents.
pub(super) const ADULTS: &[&str] = &[
    "Marieke", "Wendy", "Linda", "Ilse", "Karin", "Samira", "Hatice", "Sunita", "Joyce", "Monique", "Esther", "Kim",
    "Nathalie", "Agnieszka", "Maria", "Patricia", "Petra", "Naima", "Charissa", "Daniëlle", "Mark", "Jeroen", "Dennis",
    "Peter", "Erik", "Rachid", "Mehmet", "Anil", "Michel", "Marcel", "Robin", "Stefan", "Bas", "Tomasz", "Carlos",
    "Ricardo", "Wouter", "Remco", "Hassan", "Sander",
];

/// Prefix and last name.
pub(super) const FAMILIES: &[(&str, &str)] = &[
    ("", "Jansen"), ("de", "Jong"), ("", "Bakker"), ("van der", "Meer"), ("", "Visser"), ("van den", "Berg"),
    ("de", "Vries"), ("van", "Dijk"), ("", "Smit"), ("", "Mulder"), ("de", "Boer"), ("", "Hendriks"),
    ("van", "Leeuwen"), ("", "Dekker"), ("van der", "Linden"), ("", "Brouwer"), ("de", "Wit"), ("", "Dijkstra"),
    ("de", "Graaf"), ("", "Kok"), ("van der", "Heijden"), ("", "Schouten"), ("van", "Beek"), ("", "Willems"),
    ("", "Vermeulen"), ("van", "Vliet"), ("", "Hoekstra"), ("", "Koster"), ("", "Prins"), ("", "Verhoeven"),
    ("", "El Amrani"), ("", "Yılmaz"), ("", "Kaya"), ("", "Bouzid"), ("", "Ramdin"), ("", "Jagessar"),
    ("", "Kowalski"), ("", "Nowak"), ("dos", "Santos"), ("", "Martina"), ("", "Pinas"), ("", "Öztürk"),
    ("van 't", "Hof"), ("ter", "Horst"), ("van der", "Veen"), ("den", "Ouden"), ("de", "Haan"), ("", "Scholten"),
    ("van", "Wijk"), ("", "Post"), ("", "Kuiper"), ("", "Peeters"), ("van der", "Wal"), ("", "Verbeek"),
    ("van", "Dam"), ("", "Groen"), ("", "Benali"), ("", "Hussein"), ("van de", "Ven"), ("", "Zijlstra"),
];

/// Place, its municipality (CBS), street, four digits of the postcode.
pub(super) type Street = (&'static str, &'static str, &'static str, u32);

/// Streets of The Hague, most of them in Escamp and at the coast, where Kracht works.
pub(super) const HAGUE: &[Street] = &[
    ("'s-Gravenhage", "0518", "Binckhorstlaan", 2491), ("'s-Gravenhage", "0518", "Laan van Hoornwijck", 2497),
    ("'s-Gravenhage", "0518", "Prins Hendrikstraat", 2518), ("'s-Gravenhage", "0518", "Stationsweg", 2515),
    ("'s-Gravenhage", "0518", "Moerweg", 2531), ("'s-Gravenhage", "0518", "Erasmusweg", 2532),
    ("'s-Gravenhage", "0518", "Dedemsvaartweg", 2541), ("'s-Gravenhage", "0518", "Beresteinlaan", 2542),
    ("'s-Gravenhage", "0518", "Meppelweg", 2544), ("'s-Gravenhage", "0518", "Hengelolaan", 2544),
    ("'s-Gravenhage", "0518", "Leyweg", 2545), ("'s-Gravenhage", "0518", "Escamplaan", 2547),
    ("'s-Gravenhage", "0518", "Volendamlaan", 2547), ("'s-Gravenhage", "0518", "Laan van Wateringse Veld", 2548),
    ("'s-Gravenhage", "0518", "Oude Haagweg", 2552), ("'s-Gravenhage", "0518", "Houtwijklaan", 2552),
    ("'s-Gravenhage", "0518", "Loosduinse Hoofdstraat", 2552), ("'s-Gravenhage", "0518", "Ockenburghstraat", 2553),
    ("'s-Gravenhage", "0518", "Fahrenheitstraat", 2561), ("'s-Gravenhage", "0518", "Weimarstraat", 2562),
    ("'s-Gravenhage", "0518", "Thorbeckelaan", 2564), ("'s-Gravenhage", "0518", "Mient", 2564),
    ("'s-Gravenhage", "0518", "Segbroeklaan", 2565), ("'s-Gravenhage", "0518", "Goudsbloemlaan", 2565),
    ("'s-Gravenhage", "0518", "Nieboerweg", 2566), ("'s-Gravenhage", "0518", "Loosduinseweg", 2571),
    ("'s-Gravenhage", "0518", "Apeldoornselaan", 2573), ("'s-Gravenhage", "0518", "Zuiderparklaan", 2574),
    ("'s-Gravenhage", "0518", "Statenlaan", 2582), ("'s-Gravenhage", "0518", "Keizerstraat", 2584),
    ("'s-Gravenhage", "0518", "Gevers Deynootweg", 2586), ("'s-Gravenhage", "0518", "Badhuisweg", 2587),
    ("'s-Gravenhage", "0518", "Bezuidenhoutseweg", 2594), ("'s-Gravenhage", "0518", "Van Alkemadelaan", 2597),
];

/// Streets of neighbouring municipalities.
pub(super) const NEIGHBOURS: &[Street] = &[
    ("Delft", "0503", "Oude Delft", 2611), ("Delft", "0503", "Voorhofdreef", 2624), ("Rijswijk", "0603", "Haagweg", 2281),
    ("Rijswijk", "0603", "Sir Winston Churchilllaan", 2286), ("Zoetermeer", "0637", "Meerzichtlaan", 2716),
    ("Zoetermeer", "0637", "Oosterheemplein", 2721), ("Rotterdam", "0599", "Schiedamseweg", 3025),
    ("Rotterdam", "0599", "Putselaan", 3074), ("Rotterdam", "0599", "Groene Hilledijk", 3075),
];

/// The two letters of a postcode; SA, SD and SS are not used.
pub(super) const LETTERS: &[&str] = &[
    "AA", "AB", "AC", "AD", "BA", "BE", "CG", "CH", "DJ", "DK", "EL", "EN", "GP", "GR", "HT", "HV", "JW", "JX", "KZ",
    "LA", "NB", "PC", "RD", "TE", "VG", "XH",
];
