// @ts-check
/** A declaration in words: its values, its default, its place in the request, and where it is shown. */

/** @typedef {import('./declared.mjs').Property} Property */
/** @typedef {import('./declared.mjs').Provider} Provider */

/** @param {unknown} text */
const code = (text) => `\`${text}\``;

/** @param {Property} property @returns {{ name: string, value: unknown }[]} */
const optionsOf = ({ options = [] }) => /** @type {any[]} */ (options);

/** @param {Property} property @param {unknown} value */
const labelOf = (property, value) =>
	optionsOf(property).find((option) => option.value === value)?.name ?? String(value);

/** @param {Property} property */
const isChoice = ({ type }) => type === 'options' || type === 'multiOptions';

/** @type {Record<string, string>} */
const FORMATS = {
	url: 'http(s) address',
	video: 'http(s) address',
	image: 'an image',
	videoField: 'name of a binary field',
};

/** @param {Property} property @param {(option: { name: string, value: unknown }) => string} show */
export function values(property, show) {
	const { type, typeOptions = {}, limits = {}, required } = property;
	const { minItems, maxItems, maxLength, maxValue, format } = limits;
	if (type === 'collection') return 'see below';
	const isList = type === 'fixedCollection' || typeOptions.multipleValues === true;
	const one = isChoice(property)
		? optionsOf(property).map(show).join(', ')
		: type === 'number'
			? range(typeOptions.minValue, maxValue, typeOptions.numberPrecision === 0)
			: type === 'boolean'
				? 'on, off'
				: maxLength
					? `up to ${maxLength} characters`
					: format
						? FORMATS[format]
						: 'text';
	const count = [minItems && `at least ${minItems}`, maxItems && `at most ${maxItems}`];
	const list = `a list${count.some(Boolean) ? ` of ${count.filter(Boolean).join(', ')}` : ''}`;
	const kind = type === 'fixedCollection' ? list : isList ? `${list}: ${one} each` : one;
	const isFilled = typeof property.default === 'string' && property.default !== '';
	return required && !isFilled ? `${kind} (required)` : kind;
}

/** @param {number | undefined} min @param {number | undefined} max @param {boolean} isWhole */
function range(min, max, isWhole) {
	const noun = isWhole ? 'a whole number' : 'a number';
	if (min !== undefined && max !== undefined) return `${noun} from ${min} to ${max}`;
	return min !== undefined ? `${noun}, at least ${min}` : noun;
}

/** @param {Property} property @param {(option: { name: string, value: unknown }) => string} show */
export function preset(property, show) {
	const { default: value } = property;
	if (property.type === 'collection') return '-';
	if (value === true) return 'on';
	if (value === false) return 'off';
	if (isChoice(property)) {
		const chosen = /** @type {unknown[]} */ ([value]).flat();
		return chosen.map((each) => show({ name: labelOf(property, each), value: each })).join(', ');
	}
	const isEmpty = value === '' || (typeof value === 'object' && value !== null);
	if (isEmpty)
		return property.type === 'fixedCollection' && Object.keys(value).length > 0
			? 'one entry'
			: 'empty';
	return typeof value === 'string' ? code(value.replace(/^=/, '')) : String(value);
}

/** @param {Property} property */
export function place({ routing, entryOf, alwaysSent, wire }) {
	const name = routing?.send?.property;
	if (!name) return '-';
	const notes = [
		wire === 'string' && 'as text',
		wire === 'yesNo' && 'as `"yes"` or `"no"`',
		alwaysSent && 'always',
	].filter(Boolean);
	const field = code(entryOf ? `${entryOf}[0].${name}` : name);
	return [field, ...notes].join(', ');
}

/** A cell of a table in Markdown. @param {string} text */
export const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/**
 * The conditions of all variants of one parameter, as "MuleRouter: Video Edit; Operation: Get".
 *
 * @param {Property[]} variants
 * @param {Property[]} all the properties of the node, which the conditions name
 * @param {readonly Provider[]} providers those that the table is about
 */
export function conditions(variants, all, providers) {
	const others = [...new Set(variants.map((variant) => otherConditions(variant, all)))];
	return [owners(variants, providers), others.filter(Boolean).join(', or ')]
		.filter(Boolean)
		.join('; ');
}

/**
 * Who the variants of a parameter are for, as "Magnific, MuleRouter: Video Edit".
 *
 * @param {Property[]} variants
 * @param {readonly Provider[]} providers those that the table is about
 * @returns {string} empty where they are for all
 */
export function owners(variants, providers) {
	const inWorkflows = variants.filter((variant) => !isForAgents(variant));
	const found = providers.flatMap((provider) => {
		const endpoints = provider.endpoints.filter((endpoint) =>
			inWorkflows.some((variant) => isFor(variant, provider.name, endpoint)),
		);
		return endpoints.length > 0 ? [{ provider, endpoints }] : [];
	});
	const isWhole = (/** @type {typeof found[number]} */ { provider, endpoints }) =>
		endpoints.length === provider.endpoints.length;
	const isForAll = found.length === providers.length && found.every(isWhole);
	const told = isForAll
		? []
		: found.map((one) => {
				const label = providers.length > 1 ? one.provider.label : '';
				const { endpoint } = one.provider.parameters;
				if (isWhole(one) || !endpoint) return label;
				const narrowed = one.endpoints.map((each) => labelOf(endpoint, each)).join(', ');
				return label ? `${label}: ${narrowed}` : narrowed;
			});
	const agents = inWorkflows.length < variants.length ? ['as the tool of an agent'] : [];
	return [...told, ...(isForAll && variants.length > 1 ? [] : agents)].join(', ');
}

/** @param {Property} property */
const isForAgents = ({ displayOptions }) => displayOptions?.show?.['@tool']?.[0] === true;

/** @param {Property} property @param {string} provider @param {string} endpoint */
function isFor(property, provider, endpoint) {
	const { provider: names, endpoint: endpoints } = Object.fromEntries(shown(property));
	return (names?.includes(provider) ?? true) && (endpoints?.includes(endpoint) ?? true);
}

/** @param {Property} property */
const shown = ({ displayOptions }) =>
	Object.entries(displayOptions?.show ?? {}).map(
		([name, chosen]) => /** @type {[string, unknown[]]} */ ([name.replace(/^\//, ''), chosen]),
	);

/** @param {Property} property @param {Property[]} all */
function otherConditions(property, all) {
	return shown(property)
		.filter(([name]) => !['provider', 'endpoint', '@tool'].includes(name))
		.map(([name, chosen]) => {
			const variants = all.filter((each) => each.name === name);
			const offered = variants.flatMap(optionsOf);
			// A value that no variant offers is one of another provider's.
			const labels = chosen.flatMap((value) =>
				typeof value === 'boolean'
					? [value ? 'on' : 'off']
					: offered.filter((option) => option.value === value).map((option) => option.name),
			);
			return `${variants[0]?.displayName}: ${[...new Set(labels)].join(', ')}`;
		})
		.join('; ');
}
