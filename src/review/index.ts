export { decisionsByRow } from './by-row.ts';
