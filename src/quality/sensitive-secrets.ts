// Credentials by the forms that their issuers document (most have a prefix made to be found), and random values behind names like password=.
import type { SensitivePattern } from './sensitive-pattern.ts';

/** Behind no letter, digit, '_' or '-', except for an escaped line end in JSON text. */
const edge = String.raw`(?<=^|[^\w-]|\\[nrt])`;

/** Kind and form. Sources: the issuers' documentation, as collected by GitHub's secret scanning and by gitleaks. */
const issued: readonly (readonly [kind: string, form: string])[] = [
  ['AWS key', String.raw`(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])`],
  ['GitHub token', String.raw`(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{36,})`],
  ['GitLab token', String.raw`gl(?:pat|dt|rt|cbt|ptt|ft|soat|oas)-[\w-]{20,}`],
  ['Slack token', String.raw`(?:xox[abeoprs]|xapp)-[\w-]{10,}`],
  ['Stripe key', String.raw`(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,}`],
  ['Google key', String.raw`(?:AIza[\w-]{35}(?![\w-])|GOCSPX-[\w-]{28}(?![\w-])|ya29\.[\w-]{20,})`],
  ['Anthropic key', String.raw`sk-ant-[\w-]{20,}`],
  ['OpenAI key', String.raw`sk-(?:(?:proj|svcacct|admin)-[\w-]{20,}|[A-Za-z0-9]{40,})`],
  ['Hugging Face token', String.raw`(?:hf_|api_org_)[A-Za-z]{34}(?![A-Za-z0-9])`],
  ['npm token', String.raw`npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])`],
  ['PyPI token', String.raw`pypi-AgE[\w-]{50,}`],
  ['SendGrid key', String.raw`SG\.[\w-]{22}\.[\w-]{43}`],
  ['DigitalOcean token', String.raw`do[opr]_v1_[a-f0-9]{64}`],
  ['Docker token', String.raw`dckr_[po]at_[\w-]{27,}`],
  ['Databricks token', String.raw`dapi[a-f0-9]{32}(?![A-Za-z0-9])`],
  ['Shopify token', String.raw`shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}`],
  ['Vault token', String.raw`hv[sbr]\.[\w-]{24,}`],
  ['Telegram token', String.raw`\d{8,10}:AA[\w-]{33}(?![\w-])`],
  ['age key', String.raw`AGE-SECRET-KEY-1[0-9A-Z]{58}`],
  ['JWT', String.raw`eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{10,}`],
];

/** Of a key or a column: what it holds is meant to be secret. */
const names = String.raw`(?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|secret|private|account|encryption)[_-]?key|credentials?)`;

/** A column or a key with such a name: 'password', 'db.api_key', 'clientSecret'. */
export const secretName: RegExp = new RegExp(String.raw`(?:^|[^a-z0-9]|client|auth|access)${names}$`, 'i');

export const secretPatterns: readonly SensitivePattern[] = [
  {
    // one that was cut has no end: then all that follows is the key
    pattern: /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,80}-----|$)/g,
    replace: () => '[secret: private key]',
  },
  {
    // in one pass: a group a kind
    pattern: new RegExp(`${edge}(?:${issued.map(([, form]) => `(${form})`).join('|')})`, 'g'),
    replace: ([, ...groups]) => `[secret: ${issued[groups.findIndex((group) => group !== undefined)]?.[0] ?? 'key'}]`,
  },
  {
    pattern: /:\/\/[^\s/:@"'<>]{0,100}:[^\s/@"'<>]{1,300}@/g,
    replace: () => '://[secret: credentials]@',
  },
  {
    pattern: /(?<![\w-])(bearer|basic) {1,3}([\w.~+/-]{12,}={0,2})/gi,
    replace: ([, scheme = '', value = '']) => (isRandom(value) ? `${scheme} [secret]` : null),
  },
  {
    pattern: new RegExp(String.raw`(${names}\\?["']?\s{0,3}(?:=>|=|:)\s{0,3}\\?["']?)([^\s"',;}=:&\\]{8,}={0,2})`, 'gi'),
    replace: ([, before = '', value = '']) => (isRandom(value) || (/^pass|^pwd/i.test(before) && mixes(value)) ? `${before}[secret]` : null),
  },
];

function mixes(value: string): boolean {
  return /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value);
}

/** One word of 12 and more characters that nobody would write by hand: mixed in kind, and with many different characters. */
export function isRandom(value: string): boolean {
  if (value.length < 12 || /[\s[\]]/.test(value)) return false;
  const digits = value.replaceAll(/\D/g, '').length;
  const many = new Set(value).size / Math.min(value.length, 24) >= 0.4;
  // words joined by signs have few digits: 'train-2024-intents-classifier'
  return many && (mixes(value) || (value.length >= 20 && /[a-z]/i.test(value) && digits * 5 >= value.length));
}
