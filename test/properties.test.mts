import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { INodeProperties, INodePropertyCollection, INodePropertyOptions } from 'n8n-workflow';
import { descriptionOf, GENERATE, loadPackage } from './engine/engine.mts';
import { built } from './engine/haste.mts';

/** The part of a JSON Schema that documents one field. */
interface Field {
	$ref?: string;
	type?: string | string[];
	enum?: unknown[];
	default?: unknown;
	minimum?: number;
	maximum?: number;
	maxLength?: number;
	minItems?: number;
	maxItems?: number;
	items?: Body & Field;
}

interface Body {
	required?: string[];
	properties: Record<string, Field>;
}

/** A schema that is written from the provider's page, and that the emulator refuses with. */
function documented(name: string): Body & { definitions: Record<string, Field> } {
	const file = path.resolve('dev/emulator/documented', `${name}.json`);
	return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof documented>;
}

const { definitions } = documented('muleRouter/common');

function resolved(field: Field): Field {
	return field.$ref === undefined ? field : definitions[field.$ref.split('/').at(-1) as string];
}

type Property = INodeProperties & {
	limits?: { maxValue?: number; maxLength?: number; minItems?: number; maxItems?: number };
	wire?: 'string' | 'yesNo';
	alwaysSent?: true;
};

let properties: Property[];

beforeAll(async () => {
	await loadPackage();
	properties = descriptionOf(GENERATE).properties;
});

/** The properties that n8n shows for a choice, and that name a field of the request. */
function declared(choice: Record<string, string>): Property[] {
	const scope: Record<string, string> = { videoSource: 'url', ...choice };
	const shows = ({ displayOptions }: INodeProperties) =>
		Object.entries(displayOptions?.show ?? {}).every(([name, values]) =>
			(values as unknown[]).includes(scope[name.replace('/', '')]),
		);
	return properties
		.filter(shows)
		.flatMap((property) =>
			property.name === 'additionalFields'
				? (property.options as Property[]).filter(shows)
				: property,
		)
		.filter(({ routing }) => routing?.send !== undefined);
}

const wireName = ({ routing }: Property) => String(routing?.send?.property);

/** Every documented field is a property, every property a documented field, with the same limits. */
function expectDocumented(found: Property[], { properties: fields, required = [] }: Body): void {
	expect(found.map(wireName).sort()).toEqual(Object.keys(fields).sort());
	for (const property of found) {
		const name = wireName(property);
		const field = resolved(fields[name]);
		expect({ [name]: typeOf(property) }).toEqual({ [name]: documentedType(field) });
		const isInEveryRequest = property.required === true || property.alwaysSent === true;
		if (required.includes(name)) expect({ [name]: isInEveryRequest }).toEqual({ [name]: true });
		if (property.required) expect(required).toContain(name);
		expect({ [name]: limitsOf(property) }).toEqual({ [name]: documentedLimits(field, property) });
		if (field.default !== undefined) expectDefault(property, field.default);
		if (Array.isArray(property.options) && typeOf(property) === 'options') {
			expect({ [name]: valuesOf(property) }).toEqual({ [name]: enumOf(field) });
		}
		expectTold(property, field);
	}
}

/** The type in the editor. */
function typeOf({ type, typeOptions, wire }: Property): string {
	if (type === 'fixedCollection') return 'list of objects';
	if (typeOptions?.multipleValues) return 'list of texts';
	if (wire === 'string') return 'number as text';
	if (wire === 'yesNo') return 'yes or no';
	if (type === 'number' && typeOptions?.numberPrecision === 0) return 'integer';
	return type;
}

function documentedType({ type, enum: values, items }: Field): string {
	const [kind] = [type].flat();
	if (kind === 'array') return items?.properties ? 'list of objects' : 'list of texts';
	if (values?.join() === 'yes,no') return 'yes or no';
	if (values && kind === 'string') {
		return values.every((value) => /^\d+$/.test(String(value))) ? 'number as text' : 'options';
	}
	return String(kind);
}

function limitsOf({ typeOptions, limits = {} }: Property) {
	return { min: typeOptions?.minValue, max: limits.maxValue, ...pick(limits) };
}

/** An empty list is one that was left alone, so its least length counts only where it is required. */
function documentedLimits(field: Field, { wire, required }: Property) {
	const numbers = (field.enum ?? []).map(Number);
	const [min, max] =
		wire === 'string'
			? [Math.min(...numbers), Math.max(...numbers)]
			: [field.minimum, field.maximum];
	return { min, max, ...pick({ ...field, minItems: required ? field.minItems : undefined }) };
}

function pick({
	maxLength,
	minItems,
	maxItems,
}: Pick<Field, 'maxLength' | 'minItems' | 'maxItems'>) {
	return { maxLength, minItems, maxItems };
}

function valuesOf({ options }: Property): unknown[] {
	return (options as INodePropertyOptions[]).map(({ value }) => value).sort();
}

function enumOf({ enum: values = [] }: Field): unknown[] {
	return values.filter((value) => value !== null).sort();
}

/** A text is left out where it is empty; the API's own default then counts, and the user reads of it. */
function expectDefault(property: Property, given: unknown): void {
	const { description, type, wire } = property;
	if (type === 'string') {
		expect(description).toContain(String(given));
		return;
	}
	const value = wire === 'string' ? Number(given) : wire === 'yesNo' ? given === 'yes' : given;
	expect({ [property.name]: property.default }).toEqual({ [property.name]: value });
	const label = (property.options as INodePropertyOptions[] | undefined)?.find(
		(option) => option.value === value,
	)?.name;
	const names = [String(value), label, value === false ? 'off' : undefined];
	if (property.name !== 'referType') {
		expect(names.filter(Boolean).some((name) => isDefaultTold(description, String(name)))).toBe(
			true,
		);
	}
}

function isDefaultTold(description: string | undefined, name: string): boolean {
	return new RegExp(`default (is )?${name.split(' ')[0]}`, 'i').test(description ?? '');
}

/** What no schema says in a form to compare, but the user has to know. */
const TOLD: Record<string, string[]> = {
	prompt: ['@Video1'],
	video_url: ['3 to 10 seconds', '720 to 2160 px', '24 to 60', '200 MB', 'MP4 or MOV'],
	video: ['3 to 10 seconds', '720 to 2160 px', '24 to 60', '200 MB', 'MP4 or MOV'],
	image_url: ['300x300', '10 MB', 'JPG', 'PNG'],
	webhook_url: ['status'],
	images: ['together with Elements', '&lt;&lt;&lt;image_1&gt;&gt;&gt;'],
	elements: ['together with Images', '&lt;&lt;&lt;element_1&gt;&gt;&gt;'],
	last_frame: ['First Frame'],
	reference_images: ['1 to 3'],
};

function expectTold(property: Property, { maxLength, maxItems }: Field): void {
	const { min, max } = limitsOf(property);
	const words = [
		...(TOLD[wireName(property)] ?? []),
		...[maxLength, maxItems, min, max].filter((limit) => limit !== undefined).map(String),
	];
	for (const word of words) expect(property.description).toContain(word);
}

const MULE_ROUTER = ['videoToVideo', 'referenceVideoToVideo', 'videoEdit'];

describe('the parameters of Generate are those that the provider documents', () => {
	test('for Magnific', () => {
		expectDocumented(declared({ provider: 'magnific' }), documented('magnific/referenceToVideo'));
	});

	test.each(MULE_ROUTER)('for MuleRouter %s', (endpoint) => {
		const found = declared({ provider: 'muleRouter', endpoint });
		expectDocumented(found, documented(`muleRouter/${endpoint}`));
	});

	test.each(['videoList', 'elements'])('within the entries of %s', (name) => {
		const found = declared({ provider: 'muleRouter', endpoint: 'videoToVideo' });
		const list = found.find((property) => property.name === name) as Property;
		const [{ values }] = list.options as INodePropertyCollection[];
		const { properties: fields } = documented('muleRouter/videoToVideo');
		expectDocumented(values as Property[], resolved(fields[wireName(list)]).items as Body);
	});

	test('and the mode of Magnific, which is a part of the path', () => {
		const modes = properties.filter(({ name }) => name === 'mode');
		expect(
			modes.map(({ default: preset, displayOptions }) => [preset, displayOptions?.show?.provider]),
		).toEqual([
			['std', ['magnific']],
			['pro', ['muleRouter']],
		]);
	});

	test('and each has the name that the API gives it, in camelCase', () => {
		const all = MULE_ROUTER.flatMap((endpoint) => declared({ provider: 'muleRouter', endpoint }));
		for (const property of [...all, ...declared({ provider: 'magnific' })]) {
			const camel = wireName(property).replace(/_(\w)/g, (_, letter: string) =>
				letter.toUpperCase(),
			);
			// The one that differs: MuleRouter's `video` is the same thing as Magnific's `video_url`.
			expect(property.name).toBe(camel === 'video' ? 'videoUrl' : camel);
		}
	});
});

describe.each([
	['videoList', 'videos', { videoUrl: 'https://example.com/a.mp4' }],
	['elements', 'elements', { frontalImage: 'start' }],
])('a list of objects: %s', (name, within, entry) => {
	const { checkValue } =
		built<typeof import('../nodes/shared/parameters/check.ts')>('shared/parameters/check');
	const check = (given: unknown) => {
		const scope = { provider: 'muleRouter', endpoint: 'videoToVideo', videoSource: 'url' };
		const list = declared(scope).find((property) => property.name === name) as Property;
		return { list, checked: checkValue(list, given, 'List', scope) };
	};

	test.each([
		['a JSON text', JSON.stringify([entry]), `(got "${JSON.stringify([entry])}")`],
		['one object', entry, '(got an object)'],
		['a number', 0, '(got 0)'],
		['true', true, '(got true)'],
	])('is refused as %s, and not dropped', (_name, given, got) => {
		const problems = [`List must be a list ${got}`];
		expect(check(given).checked).toEqual({ problems });
		expect(check({ [within]: given }).checked).toEqual({ problems });
	});

	test('is refused with an entry that is no object', () => {
		const problems = ['List 2 must be an object (got 5)'];
		expect(check({ [within]: [entry, 5] }).checked).toEqual({ problems });
	});

	test('is taken with or without the name that n8n gives it', () => {
		const { checked } = check([entry]);
		expect(checked).toMatchObject({ value: [expect.anything()], problems: [] });
		expect(check({ [within]: [entry] }).checked).toEqual(checked);
	});

	test.each([undefined, null, '', [], {}])('is not set where it is %j', (given) => {
		for (const nothing of [given, { [within]: given }]) {
			const { list, checked } = check(nothing);
			expect(checked).toEqual({ problems: list.required ? ['List is required'] : [] });
		}
	});
});
