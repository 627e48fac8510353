export { at, domainOf, domainText, isCi, parseDomain, readJobEvent, type TrustDomain } from '../project/trust-domain.ts';
