import { createHash } from 'node:crypto';

/** @returns the same text for the same values, another for any others; the values cannot be read from it */
export function fingerprint(...values: unknown[]): string {
	return createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, 32);
}
