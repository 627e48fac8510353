// Which licence a piece of code says it has: by its SPDX id, else by the words of the licences that people put at the top of files.
// Source of the ids: https://spdx.org/licenses; of what is copyleft: https://blueoakcouncil.org/copyleft
import type { Fault } from './config.ts';

const header = 6_000;

const phrases: readonly (readonly [RegExp, string])[] = [
  [/GNU AFFERO GENERAL PUBLIC LICENSE/i, 'AGPL'],
  [/GNU (?:LESSER|LIBRARY) GENERAL PUBLIC LICENSE/i, 'LGPL'],
  [/GNU GENERAL PUBLIC LICENSE|\bGPL ?v[23]\b/i, 'GPL'],
  [/Apache License,? (?:\(the "License"\)|Version 2\.0)|apache\.org\/licenses\/LICENSE-2\.0/i, 'Apache-2.0'],
  [/Mozilla Public License/i, 'MPL-2.0'],
  [/Eclipse Public License/i, 'EPL-2.0'],
  [/Permission is hereby granted, free of charge|\bMIT licen[sc]e\b/i, 'MIT'],
  [/Redistribution and use in source and binary forms/i, 'BSD-3-Clause'],
  [/Permission to use, copy, modify, and(?:\/or)? distribute this software/i, 'ISC'],
  [/Creative Commons Attribution-ShareAlike|creativecommons\.org\/licenses\/by-sa/i, 'CC-BY-SA-4.0'],
  [/This is free and unencumbered software released into the public domain/i, 'Unlicense'],
];
const copyleft = /^(?:A?GPL|LGPL|MPL|EPL|CDDL|CPL|EUPL|OSL|CC-BY-SA|CC-BY-NC-SA|MS-RL|CECILL|RPL|SSPL|QPL|Sleepycat|ODbL|GFDL|CPAL|APSL)(?:-|$)/i;

/** @returns no fault where nothing is said: then nobody knows */
export function licenceFaults(code: string): Fault[] {
  const top = code.slice(0, header);
  const spdx = /SPDX-License-Identifier:[ \t]{0,20}([A-Za-z0-9.+()\- ]{1,200})/.exec(top);
  const phrase = spdx === null ? phrases.map(([pattern, id]) => ({ id, found: pattern.exec(top) })).find(({ found }) => found !== null) : undefined;
  const name = spdx === null ? phrase?.id : spdx[1]?.trim();
  const place = spdx ?? phrase?.found ?? null;
  if (name === undefined || name === '' || place === null) return [];
  const at = { start: place.index, end: place.index + place[0].trimEnd().length };
  return [{ kind: isCopyleft(name) ? 'licence-copyleft' : 'licence', message: `the code says that its licence is ${name}`, ...at }];
}

/** Of an SPDX expression: may it be used under no other terms? */
export function isCopyleft(expression: string): boolean {
  const choices = expression.replaceAll(/[()]/g, ' ').split(/\sOR\s/);
  return choices.every((choice) => choice.split(/\sAND\s|\sWITH\s/).some((id) => copyleft.test(id.trim())));
}
