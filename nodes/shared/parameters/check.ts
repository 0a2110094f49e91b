import type { INodeProperties, INodePropertyCollection, INodePropertyOptions } from 'n8n-workflow';
import { Address, isBinaryFile, Media } from '../media/media';
import type { ApiProperty, Limits, Scope } from './declare';
import { isShown } from './declare';
import { asArray, asObject, excerpt, isObject } from '../util/unknown';
import { readUrl } from '../util/urls';

/** A value as it was found, or what is wrong with it; `undefined` where the user left it alone. */
export interface Checked {
	value?: unknown;
	problems: string[];
}

const ok = (value: unknown): Checked => ({ value, problems: [] });
const wrong = (...problems: string[]): Checked => ({ problems });

const DATA_URI = /^data:image\/(?:png|jpe?g);base64,(?=\S)/i;
const FIELD_NAME = /^[A-Za-z0-9_.-]{1,63}$/;

/**
 * Holds a value against its property's declaration: type, options, limits.
 * @param label how the user knows the field, with its position in a list
 * @returns the value in the API's spelling, or a sentence for each thing wrong
 */
export function checkValue(
	property: INodeProperties,
	given: unknown,
	label: string,
	scope: Scope = {},
): Checked {
	if (isLeftAlone(given)) {
		return property.required ? wrong(`${label} is required`) : ok(undefined);
	}
	if (property.type === 'fixedCollection') return checkEntries(property, given, label, scope);
	if (property.typeOptions?.multipleValues) return checkList(property, given, label);
	return checkOne(property, given, label);
}

/**
 * Reads a set of properties from their values, as one object in the API's spelling.
 * @param scope the parameters that decide which properties are shown
 */
export function checkFields(
	properties: ApiProperty[],
	values: Record<string, unknown>,
	scope: Scope,
	label: (property: INodeProperties) => string,
): { body: Record<string, unknown>; problems: string[] } {
	const body: Record<string, unknown> = {};
	const problems: string[] = [];
	for (const property of properties) {
		if (!isShown(property, scope)) continue;
		const given =
			isLeftAlone(values[property.name]) && property.alwaysSent
				? property.default
				: values[property.name];
		const checked = checkValue(property, given, label(property), scope);
		problems.push(...checked.problems);
		if (checked.value === undefined) continue;
		place(body, property, checked.value);
	}
	return { body, problems };
}

function place(body: Record<string, unknown>, property: ApiProperty, value: unknown): void {
	const { routing, entryOf: list } = property;
	const field = { [routing.send.property]: value };
	if (list === undefined) {
		Object.assign(body, field);
		return;
	}
	const [entry, ...others] = asArray(body[list]).map(asObject);
	body[list] = [{ ...entry, ...field }, ...others];
}

function isLeftAlone(given: unknown): boolean {
	return (
		given === undefined ||
		given === null ||
		(typeof given === 'string' && given.trim() === '') ||
		(Array.isArray(given) && given.length === 0) ||
		(isObject(given) && Object.keys(given).length === 0)
	);
}

function checkOne(property: INodeProperties, given: unknown, label: string): Checked {
	switch (property.type) {
		case 'number':
			return checkNumber(property, given, label);
		case 'boolean': {
			const value = readSwitch(given);
			if (value === undefined) return wrong(`${label} must be true or false${got(given)}`);
			return ok((property as ApiProperty).wire === 'yesNo' ? (value ? 'yes' : 'no') : value);
		}
		case 'options': {
			const values = (property.options as INodePropertyOptions[]).map(({ value }) => value);
			if (values.includes(given as string)) return ok(given);
			return wrong(`${label} must be one of ${values.join(', ')}${got(given)}`);
		}
		default:
			return checkText((property as ApiProperty).limits ?? {}, given, label);
	}
}

/** Expressions, and cells of a table, often give a switch as a text. */
function readSwitch(given: unknown): boolean | undefined {
	if (typeof given === 'boolean') return given;
	const word = typeof given === 'string' ? given.trim().toLowerCase() : '';
	return word === 'true' ? true : word === 'false' ? false : undefined;
}

function checkText({ maxLength, format }: Limits, given: unknown, label: string): Checked {
	if (format === 'videoField' && isBinaryFile(given)) {
		const field = given.fileName ?? 'a file';
		return ok(new Media('video', label, { field, file: given }));
	}
	if (typeof given !== 'string') return wrong(`${label} must be text${got(given)}`);
	if (maxLength !== undefined && given.length > maxLength) {
		// A character outside the first 65,536 counts twice there; a very long text is not taken apart.
		const length = given.length > 2 * maxLength ? given.length : [...given].length;
		if (length > maxLength) {
			return wrong(`${label} must be at most ${maxLength} characters (got ${length})`);
		}
	}
	const text = given.trim();
	switch (format) {
		case 'url':
		case 'video': {
			const url = readUrl(given);
			if (url === undefined) return wrong(`${label} must be an http or https URL${got(text)}`);
			return ok(format === 'url' ? new Address(label, url) : new Media('video', label, { url }));
		}
		case 'videoField':
			return ok(new Media('video', label, { field: text }));
		case 'image':
			return checkImage(text, label);
		default:
			return ok(given);
	}
}

function checkImage(text: string, label: string): Checked {
	const url = readUrl(text);
	if (url !== undefined) return ok(new Media('image', label, { url }));
	if (isDataUri(text) || isBase64(text)) {
		return ok(new Media('image', label, { base64: text }));
	}
	if (FIELD_NAME.test(text)) return ok(new Media('image', label, { field: text }));
	return wrong(
		`${label} must be an http or https URL, a data URI, Base64 or the name of a binary field${got(text)}`,
	);
}

/** Looks for a character that does not belong: to match megabytes as a whole can take more stack than V8 has. */
function isDataUri(text: string): boolean {
	return DATA_URI.test(text) && !/[^A-Za-z0-9+/=\s]/.test(text.replace(DATA_URI, ''));
}

/** A shorter text may be the name of a field. */
function isBase64(text: string): boolean {
	return text.length >= 64 && !/[^A-Za-z0-9+/]/.test(text.replace(/={1,2}$/, ''));
}

function checkNumber({ typeOptions, ...property }: INodeProperties, given: unknown, label: string) {
	const { minValue, numberPrecision } = typeOptions ?? {};
	const { maxValue } = (property as ApiProperty).limits ?? {};
	const whole = numberPrecision === 0;
	const kind = whole ? 'a whole number' : 'a number';
	const range =
		minValue !== undefined && maxValue !== undefined
			? ` from ${minValue} to ${maxValue}`
			: minValue !== undefined
				? ` of at least ${minValue}`
				: '';
	// Expressions often yield numbers as texts; a text that is a number means that number.
	const value = typeof given === 'string' ? Number(given) : given;
	const fits =
		typeof value === 'number' &&
		Number.isFinite(value) &&
		(!whole || Number.isInteger(value)) &&
		value >= (minValue ?? -Infinity) &&
		value <= (maxValue ?? Infinity);
	if (!fits) return wrong(`${label} must be ${kind}${range}${got(given)}`);
	return ok((property as ApiProperty).wire === 'string' ? String(value) : value);
}

function checkList(property: INodeProperties, given: unknown, label: string): Checked {
	const entries = (Array.isArray(given) ? given : [given]).filter((entry) => !isLeftAlone(entry));
	const checked = entries.map((entry, index) => checkOne(property, entry, `${label} ${index + 1}`));
	return gather(checked, (property as ApiProperty).limits ?? {}, label);
}

/** A fixedCollection holds one list of objects, under the name of its only option. */
function checkEntries(
	property: INodeProperties,
	given: unknown,
	label: string,
	scope: Scope,
): Checked {
	const [collection] = property.options as INodePropertyCollection[];
	const entries = isObject(given) && collection.name in given ? given[collection.name] : given;
	if (isLeftAlone(entries)) {
		return property.required ? wrong(`${label} is required`) : ok(undefined);
	}
	if (!Array.isArray(entries)) return wrong(`${label} must be a list${got(entries)}`);
	const checked = entries.map((entry, index) => {
		const position = `${label} ${index + 1}`;
		if (!isObject(entry)) return wrong(`${position} must be an object${got(entry)}`);
		const properties = collection.values as ApiProperty[];
		const { body, problems } = checkFields(
			properties,
			withoutDefaults(properties, entry),
			scope,
			(field) => `${position}, ${field.displayName}`,
		);
		return problems.length > 0 ? wrong(...problems) : ok(body);
	});
	return gather(checked, (property as ApiProperty).limits ?? {}, label);
}

function gather(checked: Checked[], { minItems, maxItems }: Limits, label: string): Checked {
	const problems = checked.flatMap((entry) => entry.problems);
	if (maxItems !== undefined && checked.length > maxItems) {
		problems.push(`${label} takes at most ${maxItems} (${checked.length} given)`);
	}
	if (minItems !== undefined && checked.length < minItems) {
		problems.push(`${label} needs at least ${minItems}`);
	}
	if (problems.length > 0) return wrong(...problems);
	const values = checked.map((entry) => entry.value);
	return ok(values.length > 0 ? values : undefined);
}

/**
 * n8n fills in the defaults of shown parameters, so a value equal to its default is one that the
 * user left alone: the API has the same default.
 */
export function withoutDefaults(
	properties: INodeProperties[],
	values: Record<string, unknown>,
): Record<string, unknown> {
	const defaults = new Map(properties.map((property) => [property.name, property.default]));
	return Object.fromEntries(
		Object.entries(values).filter(([name, value]) => value !== defaults.get(name)),
	);
}

/** @returns the value that was found, without the query of an address: it may hold a signature */
export function got(given: unknown): string {
	if (typeof given === 'string') return ` (got "${excerpt(given.split('?')[0], 60)}")`;
	if (Array.isArray(given)) return ' (got a list)';
	if (isObject(given)) return ' (got an object)';
	return ` (got ${String(given)})`;
}
