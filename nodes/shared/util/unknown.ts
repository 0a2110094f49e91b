/** Reading answers that may be anything: each function takes `unknown` and never throws. */

export type Json = Record<string, unknown>;

/** @returns the value as an object, or an empty one where it is none */
export function asObject(value: unknown): Json {
	return isObject(value) ? value : {};
}

export function isObject(value: unknown): value is Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns the text, or undefined where there is none to show */
export function asText(value: unknown): string | undefined {
	if (typeof value === 'number') return String(value);
	return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

export function asArray(value: unknown): unknown[] {
	return Array.isArray(value) ? value : [];
}

/** @returns every text in a value, in its order */
export function textsIn(value: unknown): string[] {
	if (typeof value === 'string') return [value];
	return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/**
 * Task ids are opaque, but one that could change the path of a request is no id. A number is one as long as JSON keeps
 * all its digits.
 * @returns the id, or undefined
 */
export function readTaskId(value: unknown): string | undefined {
	if (typeof value !== 'string' && !Number.isSafeInteger(value)) return undefined;
	const id = String(value).trim();
	return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id) ? id : undefined;
}

/** Cuts a text that came from outside to something that can be shown. */
export function excerpt(text: string, length = 300): string {
	// Cut first: V8 has no stack for megabytes of blanks.
	const start = text.trim().slice(0, 10 * length);
	const line = start.replace(/\s+/g, ' ').trim();
	return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}
