// @ts-check
/**
 * A declarative validator just large enough for the documented request bodies, the settings and the fault rules.
 *
 * @typedef {object} Rule
 * @property {'string'|'url'|'image'|'number'|'integer'|'boolean'|'array'|'object'|'any'} [is]
 * @property {Rule[]} [either] one of these has to fit
 * @property {boolean} [required]
 * @property {boolean} [nullable]
 * @property {readonly unknown[]} [oneOf]
 * @property {number} [min] smallest number, or fewest characters or items
 * @property {number} [max] largest number, or most characters or items
 * @property {Rule} [of] what the items of an array are
 * @property {Record<string, Rule>} [fields] the members of an object; any other key is unknown
 *
 * @typedef {{ name: string, reason: string, unknown?: true, code?: number }} Breach
 */

/** @param {unknown} value */
export const isWebUrl = (value) => {
	if (typeof value !== 'string' || !URL.canParse(value)) return false;
	return ['http:', 'https:'].includes(new URL(value).protocol);
};

/**
 * The bytes of an image given as Base64, bare or as a data URI.
 * @param {string} value
 * @returns {Buffer | null} null when it is neither
 */
export function base64Image(value) {
	const data = /^data:image\/(?:png|jpe?g);base64,(.*)$/s.exec(value)?.[1] ?? value;
	return data.length >= 16 && data.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(data)
		? Buffer.from(data, 'base64')
		: null;
}

/** @type {Record<string, (value: any) => boolean>} */
const fits = {
	any: () => true,
	string: (value) => typeof value === 'string',
	url: isWebUrl,
	image: (value) => isWebUrl(value) || (typeof value === 'string' && base64Image(value) !== null),
	number: (value) => typeof value === 'number' && Number.isFinite(value),
	integer: (value) => Number.isInteger(value),
	boolean: (value) => typeof value === 'boolean',
	array: (value) => Array.isArray(value),
	object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** @type {Record<string, string>} */
const nouns = {
	string: 'a string',
	url: 'an absolute http(s) URL',
	image: 'an image URL or a Base64 image',
	number: 'a number',
	integer: 'an integer',
	boolean: 'a boolean',
	array: 'an array',
	object: 'an object',
};

/** @param {any} value */
function measure(value) {
	// JSON Schema counts characters, not UTF-16 units.
	if (typeof value === 'string') return { size: [...value].length, unit: ' characters' };
	if (Array.isArray(value)) return { size: value.length, unit: ' items' };
	return { size: value, unit: '' };
}

/**
 * @param {Rule} rule
 * @param {any} value
 * @param {string} [name] where the value stands, as it is named in the answer
 * @returns {Breach[]} empty when the value fits
 */
export function breaches(rule, value, name = '') {
	if (value === null && rule.nullable) return [];
	if (rule.either) {
		const verdicts = rule.either.map((option) => breaches(option, value, name));
		return verdicts.some((verdict) => verdict.length === 0) ? [] : (verdicts.at(-1) ?? []);
	}
	const kind = rule.is ?? 'any';
	if (!fits[kind](value)) return [{ name, reason: `must be ${nouns[kind]}` }];
	if (rule.oneOf && !rule.oneOf.includes(value))
		return [
			{ name, reason: `must be one of ${rule.oneOf.map((one) => JSON.stringify(one)).join(', ')}` },
		];
	const { size, unit } = measure(value);
	if (rule.min !== undefined && size < rule.min)
		return [{ name, reason: `must not be less than ${rule.min}${unit}` }];
	if (rule.max !== undefined && size > rule.max)
		return [{ name, reason: `must not be more than ${rule.max}${unit}` }];
	if (kind === 'array' && rule.of)
		return value.flatMap((/** @type {unknown} */ item, /** @type {number} */ i) =>
			breaches(/** @type {Rule} */ (rule.of), item, `${name}[${i}]`),
		);
	if (kind === 'object' && rule.fields) return members(rule.fields, value, name);
	return [];
}

/**
 * @param {Record<string, Rule>} fields
 * @param {Record<string, unknown>} value
 * @param {string} name
 * @returns {Breach[]}
 */
function members(fields, value, name) {
	const inside = (/** @type {string} */ key) => (name ? `${name}.${key}` : key);
	const declared = Object.entries(fields).flatMap(([key, rule]) => {
		if (value[key] !== undefined) return breaches(rule, value[key], inside(key));
		return rule.required ? [{ name: inside(key), reason: 'is required' }] : [];
	});
	const unknown = Object.keys(value)
		.filter((key) => !Object.hasOwn(fields, key))
		.map((key) => ({
			name: inside(key),
			reason: 'is not a known parameter',
			unknown: /** @type {const} */ (true),
		}));
	return [...declared, ...unknown];
}

/** @param {Breach[]} found */
export const inWords = (found) =>
	found.map(({ name, reason }) => `${name || 'the body'} ${reason}`).join('; ');
