// @ts-check
/**
 * Values held against JSON Schemas: the documented bodies of requests, the settings and the fault rules.
 *
 * @typedef {{ name: string, reason: string, unknown?: true, code?: number }} Breach
 * @typedef {(value: unknown, name?: string) => Breach[]} Check `name` is where the value stands; no breach: the value fits
 */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { formats } from './formats.mjs';

/** `$async` schemas are not used here; any other object may be one. @typedef {import('ajv').SchemaObject} Schema */

const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true });
for (const [name, { validate }] of Object.entries(formats)) ajv.addFormat(name, validate);

/** @type {Record<string, string>} */
const nouns = {
	string: 'a string',
	number: 'a number',
	integer: 'an integer',
	boolean: 'a boolean',
	array: 'an array',
	object: 'an object',
	null: 'null',
};

/** @param {string} name below `documented/`, without the ending @returns {Schema} */
export const documented = (name) =>
	JSON.parse(readFileSync(new URL(`documented/${name}.json`, import.meta.url), 'utf8'));

ajv.addSchema(documented('muleRouter/common'));

/** @param {Schema} schema @returns {Check} */
export function checkOf(schema) {
	const validate = ajv.compile(schema);
	return (value, name = '') => {
		if (validate(value)) return [];
		const found = (validate.errors ?? []).flatMap((error) => breachOf(error, name));
		// One reason for each place is enough.
		return found.filter((breach, i) => found.findIndex(({ name }) => name === breach.name) === i);
	};
}

/**
 * @param {import('ajv').ErrorObject} error
 * @param {string} root
 * @returns {Breach[]}
 */
function breachOf({ keyword, params, instancePath, parentSchema = {} }, root) {
	const name = instancePath
		.split('/')
		.slice(1)
		.reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : inside(path, part)), root);
	switch (keyword) {
		case 'required':
			return [{ name: inside(name, params.missingProperty), reason: 'is required' }];
		case 'additionalProperties':
			return [
				{
					name: inside(name, params.additionalProperty),
					reason: 'is not a known parameter',
					unknown: true,
				},
			];
		case 'type':
		case 'format':
			return [{ name, reason: `must be ${nounOf(parentSchema)}` }];
		case 'enum':
			return [{ name, reason: `must be one of ${params.allowedValues.join(', ')}` }];
		default:
			return [{ name, reason: limitOf(keyword, params.limit) ?? `does not fit (${keyword})` }];
	}
}

/** @param {string} path @param {string} key */
const inside = (path, key) => (path ? `${path}.${key}` : key);

/** @param {import('ajv').AnySchemaObject} schema */
function nounOf({ type, format }) {
	if (format) return formats[format].noun;
	return [type]
		.flat()
		.map((each) => nouns[each])
		.join(' or ');
}

/** @param {string} keyword @param {number} limit */
function limitOf(keyword, limit) {
	const [, end, unit] = /^(min|max)(imum|Length|Items)$/.exec(keyword) ?? [];
	if (!end) return undefined;
	const noun = { imum: '', Length: ' characters', Items: ' items' }[unit];
	return `must not be ${end === 'min' ? 'less' : 'more'} than ${limit}${noun}`;
}

/** @param {Breach[]} found */
export const inWords = (found) =>
	found.map(({ name, reason }) => `${name || 'the body'} ${reason}`).join('; ');
