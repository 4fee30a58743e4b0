//! What a dossier says: harmless Dutch texts made of templates.

use super::dice::Dice;

const QUESTIONS: &[&str] = &[
    "Vraagt hulp bij piekeren over school",
    "Wil leren omgaan met boosheid",
    "Heeft moeite met slapen",
    "Zoekt steun na de scheiding van de ouders",
    "Vindt het lastig om vrienden te maken",
    "Wil meer zelfvertrouwen",
    "Heeft hulp nodig bij plannen en huiswerk",
    "Ervaart spanning in drukke groepen",
    "Wil beter leren praten over gevoelens",
    "Gezin vraagt opvoedondersteuning",
];
const HEALTH: &[&str] = &[
    "Geen bijzonderheden",
    "Slaapt kort, huisarts is op de hoogte",
    "Draagt een bril, verder gezond",
    "Pollenallergie",
    "Lichte astma, gebruikt een inhalator",
    "Eet onregelmatig, gewicht in orde",
    "Snel vermoeid, bloedonderzoek was goed",
    "Hoofdpijn bij spanning",
];
const GOALS: &[&str] = &[
    "elke dag een rustmoment",
    "vaste bedtijden",
    "twee keer per week sporten",
    "een weekplanning maken",
    "een gesprek met de mentor",
    "oefenen met nee zeggen",
    "samen eten zonder scherm",
    "een dagboek bijhouden",
];
const FORMS: &[&str] = &["individuele begeleiding", "gezinsbegeleiding", "groepstraining", "gesprekstherapie"];
/// Reasons of JZ588.
const END_REASONS: &[&str] = &["20", "31", "32", "34"];
const DANGERS: &[&str] = &["is sinds gisteravond niet thuisgekomen", "wordt opgewacht bij school"];

/// The texts of one dossier, `None` where a dossier of this kind has none.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) reimbursement: &'static str,
    pub(super) help_question: &'static str,
    pub(super) health_summary: &'static str,
    pub(super) plan: String,
    pub(super) plan_summary: String,
    pub(super) care_status: &'static str,
    pub(super) care_form: &'static str,
    pub(super) referrer_type: &'static str,
    pub(super) informant: &'static str,
    pub(super) session_notes: &'static str,
    pub(super) appointments: Option<String>,
    pub(super) parents_reports: Option<&'static str>,
    pub(super) av_recordings: Option<String>,
    pub(super) youth_confidential: Option<&'static str>,
    pub(super) whereabouts: Option<&'static str>,
    pub(super) danger_nature: Option<&'static str>,
    pub(super) persons_at_risk: Option<&'static str>,
    pub(super) crisis_start: Option<String>,
    pub(super) end_reason: Option<&'static str>,
    pub(super) outcome: Option<u32>,
}

impl Texts {
    /// Throws the texts of client `number`; `ahead` is a date on which an appointment can be.
    pub(super) fn throw(dice: &mut Dice, number: u32, active: bool, age: u32, ahead: &str) -> Self {
        let (first, second, form) = (dice.pick(GOALS), dice.pick(GOALS), dice.pick(FORMS));
        let endangered = active && dice.chance(1);
        Self {
            reimbursement: if dice.chance(95) { "zorg in natura" } else { "persoonsgebonden budget" },
            help_question: dice.pick(QUESTIONS),
            health_summary: dice.pick(HEALTH),
            plan: format!("Doelen: {first}; {second}. Werkwijze: {form}, evaluatie na drie maanden."),
            plan_summary: format!("{form}, gericht op: {first}"),
            care_status: if active { "hulp loopt" } else { "hulp afgesloten" },
            care_form: form,
            referrer_type: dice.pick(&["01", "01", "01", "02", "02", "03", "04", "05", "06"]),
            informant: if age < 12 { "ouder" } else { "jeugdige" },
            session_notes: "Gesprek verliep rustig, vervolgafspraak gemaakt.",
            appointments: active.then(|| format!("{ahead} {:02}:30", dice.between(9, 16))),
            parents_reports: dice.chance(20).then_some("Ouder vertelt dat het thuis beter gaat."),
            av_recordings: dice.chance(3).then(|| format!("opname-{number:06}")),
            youth_confidential: (age >= 12 && dice.chance(10))
                .then_some("In vertrouwen besproken, zie eigen aantekening."),
            whereabouts: endangered.then_some("mogelijk bij een vriend in Scheveningen"),
            danger_nature: endangered.then(|| dice.pick(DANGERS)),
            persons_at_risk: endangered.then_some("de jeugdige zelf"),
            crisis_start: endangered.then(|| ahead.to_owned()),
            end_reason: (!active).then(|| dice.pick(END_REASONS)),
            outcome: (!active).then(|| dice.between(4, 10)),
        }
    }
}
