// Germany.
import { crossSum, icao, mod11And10, weighted, withoutSeparators } from '../check-digits.ts';
import { recogniser, type PatternRecogniser } from '../pattern.ts';

const icaoForm = /[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{7}[0-9]\b/;

function letterNumber(text: string, at: number): string {
  return String(text.toUpperCase().charCodeAt(at) - 64).padStart(2, '0');
}

function crossWeighted(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + crossSum(Number(digits[at]) * weight), 0);
}

function isInsured(text: string): boolean {
  return crossWeighted(letterNumber(text, 0) + text.slice(1, 9), [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) % 10 === Number(text[9]);
}

function isPensionNumber(text: string): boolean {
  const [day, month] = [Number(text.slice(2, 4)), Number(text.slice(4, 6))];
  if (month < 1 || month > 12 || !((day >= 1 && day <= 31) || (day >= 51 && day <= 81))) return false;
  const digits = text.slice(0, 8) + letterNumber(text, 8) + text.slice(9, 11);
  return crossWeighted(digits, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]) % 10 === Number(text[11]);
}

/** No digit stands more than three times among the first ten. */
function isTaxId(text: string): boolean {
  const most = Math.max(...[...'0123456789'].map((digit) => text.slice(0, 10).split(digit).length - 1));
  return most <= 3 && mod11And10(text);
}

export const germanRecognisers: readonly PatternRecogniser[] = [
  recogniser(
    'DE_TAX_ID',
    'de',
    'steueridentifikationsnummer, steuer-id, steuerid, steuerliche identifikationsnummer, steuerliche identifikation, persönliche identifikationsnummer, steuer identifikation, idnr, steuer-idnr, steuernummer, bzst',
    [['D11', /[1-9]\d{10}\b/, 0.5]],
    isTaxId,
  ),
  recogniser(
    'DE_TAX_NUMBER',
    'de',
    'steuernummer, steuer-nr, steuer nr, st.-nr, st-nr, finanzamt, umsatzsteuer, einkommensteuer, körperschaftsteuer, gewerbesteuer, steuerveranlagung, steuerbescheid',
    [
      ['D13', /(?:0[1-9]|1[0-6])\d{11}\b/, 0.5],
      ['D3', /\d{3}\/\d{3}\/\d{5}(?!\w)/, 0.4],
      ['D2-3', /\d{2,3}\/\d{3,4}\/\d{4,5}(?!\w)/, 0.2],
    ],
  ),
  recogniser(
    'DE_VAT_ID',
    'de',
    'umsatzsteuer-identifikationsnummer, umsatzsteueridentifikationsnummer, ust-idnr, ust-id, ustidnr, umsatzsteuer-id, mehrwertsteuer, vat, vat-id, vat id, steueridentifikation, bzst, bundeszentralamt für steuern, finanzamt, invoice, rechnung',
    [
      ['M11', /DE\d{9}\b/, 0.5],
      ['L2 M5', /DE[\s.-]?\d{3}[\s.-]?\d{3}[\s.-]?\d{3}\b/, 0.4],
    ],
    (text) => (mod11And10(withoutSeparators(text).slice(2)) ? true : null),
  ),
  recogniser(
    'DE_ID_CARD',
    'de',
    'personalausweis, ausweis, personalausweisnummer, ausweisnummer, ausweisdokument, dokumentennummer, seriennummer, npa, neuer personalausweis, personalausweisgesetz, pauwsg, bundespersonalausweis, identity card, national id',
    [
      ['M9 L9', icaoForm, 0.4],
      ['M9', /T\d{8}\b/, 0.5],
    ],
    (text) => (/^T\d+$/i.test(text) ? null : icao(text)),
  ),
  recogniser(
    'DE_PASSPORT',
    'de',
    'reisepass, pass, passnummer, reisepassnummer, passport, passport number, pass-nr, dokumentennummer, bundesrepublik deutschland, ausweisdokument, mrz',
    [['M9', icaoForm, 0.4]],
    icao,
  ),
  recogniser(
    'DE_SOCIAL_SECURITY',
    'de',
    'rentenversicherungsnummer, sozialversicherungsnummer, versicherungsnummer, rvnr, svnr, sv-nummer, rente, rentenversicherung, deutsche rentenversicherung, drv, sozialversicherung, sozialversicherungsausweis, rentenausweis',
    [['M12', /\d{8}[A-Z]\d{3}\b/, 0.3]],
    isPensionNumber,
  ),
  recogniser(
    'DE_HEALTH_INSURANCE',
    'de',
    'krankenversicherungsnummer, krankenversichertennummer, versichertennummer, kvnr, krankenkasse, krankenversicherung, gesundheitskarte, egk, elektronische gesundheitskarte, gkv, gesetzliche krankenversicherung, krankenversicherungsausweis, versichertenausweis, versichertenkarte, aok, tkk, barmer, dak',
    [['M10', /[A-Z]\d{9}\b/, 0.3]],
    isInsured,
  ),
  recogniser(
    'DE_LANR',
    'de',
    'arztnummer, lanr, lebenslange arztnummer, arzt-nr, arzt nr, arzt-nummer, vertragsarzt, kassenarzt, niedergelassener arzt, kbv, kassenärztliche vereinigung, kv-nummer, rezept, verschreibung, behandelnder arzt, hausarzt, facharzt',
    [['D9', /\d{9}\b/, 0.3]],
    (text) => (10 - (weighted(text, [4, 9, 4, 9, 4, 9]) % 10)) % 10 === Number(text[6]),
  ),
  recogniser(
    'DE_BSNR',
    'de',
    'betriebsstättennummer, betriebsstätten-nummer, bsnr, betriebsstätte, praxisnummer, arztpraxis, praxis, kassenärztliche vereinigung, kv-nummer, kv nummer, praxisadresse, praxisstandort, nebenbetriebsstätte, hauptbetriebsstätte, behandlungsort, vertragsarztpraxis',
    [['D9', /(?!0{9})\d{9}\b/, 0.2]],
  ),
  recogniser(
    'DE_FUEHRERSCHEIN',
    'de',
    "führerscheinnummer, führerschein, fahrerlaubnis, fahrerlaubnisnummer, fahrerlaubnisklasse, führerscheininhaber, fev, kba, kraftfahrt-bundesamt, driving licence, driving license, driver's license, licence number, license number, dokument nr, dokument-nr, feld 5",
    [['M11', /[A-Z]{2}\d{8}[A-Z0-9]\b/, 0.35]],
  ),
  recogniser(
    'DE_HANDELSREGISTER',
    'de',
    'handelsregister, handelsregisternummer, amtsgericht, registergericht, hra, hrb, hr-nummer, registerauszug, handelsregistereintrag, firma, gesellschaft, gmbh, ag, ug, kg, ohg, einzelkaufmann, einzelkauffrau, handelsregisterblattnummer',
    [['L3 M4-9', /HR[AB]\s{0,4}\d{1,6}\b/, 0.5]],
  ),
  recogniser(
    'DE_KFZ',
    'de',
    'kennzeichen, kfz-kennzeichen, kraftfahrzeugkennzeichen, nummernschild, fahrzeugkennzeichen, zulassung, kfz, fahrzeug, auto, pkw, lkw, fahrzeugschein, fahrzeugbrief, zulassungsbescheinigung, amtliches kennzeichen',
    [['L1-3', /[A-ZÄÖÜ]{1,3}(?:\s[A-Z]{1,2}\s|-[A-Z]{1,2}[-\s])\d{1,4}[EH]?(?!\w)/, 0.3]],
  ),
  recogniser(
    'DE_PLZ',
    'de',
    'plz, postleitzahl, postanschrift, adresse, wohnort, ort, wohnanschrift, lieferadresse, rechnungsadresse, straße, strasse, hausnummer, postfach, bundesland, gemeinde, stadt, dorf',
    [['D5', /(?!01000|99999)(?:0[1-9]\d{3}|[1-9]\d{4})\b/, 0.05]],
  ),
];
