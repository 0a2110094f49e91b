// @ts-check
/** Tables of parameters in Markdown, from their declarations. */
import { cell, conditions, owners, place, preset, values } from './words.mjs';

/** @typedef {import('./declared.mjs').Property} Property */
/** @typedef {import('./declared.mjs').Provider} Provider */
/** @typedef {{ name: string, value: unknown }} Option */

/** @param {string[]} heads @param {string[][]} rows */
function table(heads, rows) {
	const line = (/** @type {string[]} */ cells) => `| ${cells.map(cell).join(' | ')} |`;
	return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** The label says nothing more where it begins with the value. @param {Option} option */
const byValue = ({ value, name }) =>
	name.toLowerCase().startsWith(String(value).toLowerCase())
		? `\`${value}\``
		: `\`${value}\` (${name})`;

/** Everything about parameters, for the page of their node. */
export class Pages {
	/** @param {readonly Provider[]} providers */
	constructor(providers) {
		this.providers = providers;
	}

	/**
	 * @param {Property[]} properties those of the table, in the order of the editor
	 * @param {{ all?: Property[], isSent?: boolean, presetHead?: string }} [more] all: the properties that their conditions name
	 */
	full(properties, { all = properties, isSent = true, presetHead = 'Default' } = {}) {
		const rows = grouped(properties).map((variants) => {
			const [{ displayName, name }] = variants;
			const where = conditions(variants, all, this.providers);
			return [
				`**${displayName}** \`${name}\`${where ? ` (${where})` : ''}`,
				this.each(variants, (each) => values(each, byValue)),
				this.each(variants, (each) => preset(each, ({ value }) => `\`${value}\``)),
				...(isSent ? [this.each(variants, place)] : []),
				this.each(variants, ({ description, hint = '' }) => description ?? hint),
			];
		});
		return table(
			['Parameter', 'Values', presetHead, ...(isSent ? ['Sent as'] : []), 'Description'],
			rows,
		);
	}

	/**
	 * The short form, with the default in bold and, where it is asked for, the first sentence of the description.
	 *
	 * @param {Property[]} properties
	 * @param {{ all?: Property[], isSent?: boolean, presetHead?: string, tells?: boolean }} [more]
	 */
	short(
		properties,
		{ all = properties, isSent = true, presetHead = 'default', tells = false } = {},
	) {
		const rows = grouped(properties).map((variants) => {
			const [{ displayName }] = variants;
			const where = conditions(variants, all, this.providers);
			return [
				`${displayName}${where ? ` (${where})` : ''}`,
				this.each(variants, inShort),
				...(isSent ? [this.each(variants, place)] : []),
				...(tells ? [this.each(variants, firstSentence)] : []),
			];
		});
		return table(
			[
				'Parameter',
				`Values (**${presetHead}**)`,
				...(isSent ? ['Sent as'] : []),
				...(tells ? ['What it does'] : []),
			],
			rows,
		);
	}

	/**
	 * One text where all variants have the same, else each with the providers that it is for.
	 *
	 * @param {Property[]} variants
	 * @param {(property: Property) => string} tell
	 */
	each(variants, tell) {
		/** @type {Map<string, Property[]>} */
		const told = new Map();
		for (const variant of variants) {
			const text = tell(variant);
			told.set(text, [...(told.get(text) ?? []), variant]);
		}
		if (told.size === 1) return [...told.keys()][0];
		return [...told]
			.map(([text, alike]) => [owners(alike, this.providers), text])
			.map(([owner, text]) => (owner ? `${owner}: ${text}` : text))
			.join('; ');
	}
}

/** Variants of the same parameter, together. @param {Property[]} properties */
function grouped(properties) {
	/** @type {Map<string, Property[]>} */
	const groups = new Map();
	for (const property of properties) {
		if (['notice', 'hidden'].includes(property.type)) continue;
		groups.set(property.name, [...(groups.get(property.name) ?? []), property]);
	}
	return [...groups.values()];
}

/** @param {Property} property */
function inShort(property) {
	const chosen = /** @type {unknown[]} */ ([property.default]).flat();
	const isChoice = ['options', 'multiOptions', 'boolean'].includes(property.type);
	const told = values(property, ({ name, value }) =>
		chosen.includes(value) ? `**${name}**` : name,
	);
	if (property.type === 'boolean') return property.default ? '**on**, off' : 'on, **off**';
	const usual = preset(property, ({ name }) => name);
	return isChoice || ['empty', 'one entry'].includes(usual) ? told : `${told} (**${usual}**)`;
}

/** @param {Property} property */
const firstSentence = ({ description = '' }) => description.split(/(?<=\.) /)[0];
