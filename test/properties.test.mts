import { beforeAll, describe, expect, test } from '@jest/globals';
import type { INodeProperties, INodePropertyCollection, INodePropertyOptions } from 'n8n-workflow';
import { descriptionOf, GENERATE, loadPackage } from './engine/engine.mts';
import { built } from './engine/haste.mts';

/**
 * The documented tables, written down once more from the providers' pages, and held against what
 * the node declares. `default` is the API's own, which the editor shows for a field left alone.
 */
interface Documented {
	wire: string;
	type: 'string' | 'number' | 'boolean' | 'options' | 'list' | 'objects';
	required?: true;
	default?: unknown;
	options?: string[];
	min?: number;
	max?: number;
	whole?: true;
	maxLength?: number;
	maxItems?: number;
	minItems?: number;
	/** The type on the wire where it is another than n8n's. */
	sentAs?: 'string' | 'yesNo';
	/** Words that the description must tell of. */
	tells?: string[];
}

const ratios = ['16:9', '9:16', '1:1'];

const magnific: Record<string, Documented> = {
	prompt: { wire: 'prompt', type: 'string', maxLength: 2500, tells: ['2500', '@Video1'] },
	videoUrl: {
		wire: 'video_url',
		type: 'string',
		required: true,
		tells: ['3 to 10 seconds', '720 to 2160 px', '24 to 60', '200 MB', 'MP4 or MOV'],
	},
	imageUrl: { wire: 'image_url', type: 'string', tells: ['300x300', '10 MB', 'JPG', 'PNG'] },
	duration: {
		wire: 'duration',
		type: 'number',
		default: 5,
		min: 3,
		max: 15,
		whole: true,
		sentAs: 'string',
		tells: ['3 to 15', 'default 5'],
	},
	aspectRatio: {
		wire: 'aspect_ratio',
		type: 'options',
		default: '16:9',
		options: ['auto', ...ratios],
		tells: ['default 16:9'],
	},
	cfgScale: {
		wire: 'cfg_scale',
		type: 'number',
		default: 0.5,
		min: 0,
		max: 1,
		tells: ['0', '1', 'default is 0.5'],
	},
	negativePrompt: {
		wire: 'negative_prompt',
		type: 'string',
		maxLength: 2500,
		tells: ['2500', 'blur, distort, and low quality'],
	},
	webhookUrl: { wire: 'webhook_url', type: 'string', tells: ['status'] },
};

const prompt: Documented = {
	wire: 'prompt',
	type: 'string',
	required: true,
	maxLength: 2500,
	tells: ['2500', '@Video1'],
};
const mode: Documented = {
	wire: 'mode',
	type: 'options',
	default: 'pro',
	options: ['std', 'pro'],
	tells: ['default Pro'],
};
const negativePrompt: Documented = { wire: 'negative_prompt', type: 'string' };
const images: Documented = { wire: 'images', type: 'list', maxItems: 4, tells: ['at most 4'] };
const elements: Documented = {
	wire: 'elements',
	type: 'objects',
	maxItems: 4,
	tells: ['at most 4', '@Element1'],
};
const duration: Documented = {
	wire: 'duration',
	type: 'number',
	default: 5,
	min: 3,
	max: 15,
	whole: true,
	tells: ['3 to 15', 'default 5'],
};
const video: Documented = { ...magnific.videoUrl, wire: 'video' };
const keepAudio: Documented = { wire: 'keep_audio', type: 'boolean', default: false };

const muleRouter: Record<string, Record<string, Documented>> = {
	videoToVideo: {
		prompt,
		videoList: { wire: 'video_list', type: 'objects', required: true, minItems: 1 },
		firstFrame: { wire: 'first_frame', type: 'string' },
		lastFrame: { wire: 'last_frame', type: 'string', tells: ['First Frame'] },
		negativePrompt,
		images,
		elements,
		mode,
		aspectRatio: { wire: 'aspect_ratio', type: 'options', options: ratios },
		duration,
	},
	referenceVideoToVideo: {
		prompt,
		videoUrl: video,
		keepAudio,
		negativePrompt,
		images,
		elements,
		mode,
		aspectRatio: {
			wire: 'aspect_ratio',
			type: 'options',
			default: '16:9',
			options: ratios,
			tells: ['always sent'],
		},
		duration,
	},
	videoEdit: { prompt, videoUrl: video, keepAudio, negativePrompt, images, elements, mode },
};

const videoListItem: Record<string, Documented> = {
	videoUrl: { ...magnific.videoUrl },
	referType: {
		wire: 'refer_type',
		type: 'options',
		default: 'feature',
		options: ['feature', 'base'],
	},
	keepOriginalSound: {
		wire: 'keep_original_sound',
		type: 'boolean',
		default: false,
		sentAs: 'yesNo',
	},
};

const elementItem: Record<string, Documented> = {
	type: { wire: 'type', type: 'options', default: 'image', options: ['image', 'video'] },
	frontalImage: { wire: 'frontal_image', type: 'string' },
	referenceImages: { wire: 'reference_images', type: 'list', maxItems: 3, tells: ['1 to 3'] },
	referenceVideos: { wire: 'reference_videos', type: 'list' },
};

type Declared = INodeProperties & {
	limits?: { maxValue?: number; maxLength?: number; minItems?: number; maxItems?: number };
	wire?: string;
};

let properties: Declared[];

beforeAll(async () => {
	await loadPackage();
	properties = descriptionOf(GENERATE).properties;
});

/** The properties that n8n shows for a choice, and that name a field of the request. */
function declared(scope: Record<string, string>): Declared[] {
	const shows = ({ displayOptions }: INodeProperties) =>
		Object.entries(displayOptions?.show ?? {}).every(([name, values]) =>
			(values as unknown[]).includes(scope[name.replace('/', '')]),
		);
	scope.videoSource ??= 'url';
	return properties
		.filter(shows)
		.flatMap((property) =>
			property.name === 'additionalFields'
				? (property.options as Declared[]).filter(shows)
				: property,
		)
		.filter(({ routing }) => routing?.send !== undefined);
}

function hold(found: Declared[], documented: Record<string, Documented>): void {
	expect(found.map(({ name }) => name).sort()).toEqual(Object.keys(documented).sort());
	for (const property of found) {
		const expected = documented[property.name];
		const is = {
			wire: property.routing?.send?.property,
			type: typeOf(property),
			required: property.required === true,
			default: property.default,
			options: (property.options as INodePropertyOptions[] | undefined)?.map(({ value }) => value),
			min: property.typeOptions?.minValue,
			max: property.limits?.maxValue,
			whole: property.typeOptions?.numberPrecision === 0,
			maxLength: property.limits?.maxLength,
			maxItems: property.limits?.maxItems,
			minItems: property.limits?.minItems,
			sentAs: property.wire,
		};
		expect({ [property.name]: is }).toMatchObject({
			[property.name]: {
				wire: expected.wire,
				type: expected.type,
				required: expected.required === true,
				min: expected.min,
				max: expected.max,
				whole: expected.whole === true,
				maxLength: expected.maxLength,
				maxItems: expected.maxItems,
				minItems: expected.minItems,
				sentAs: expected.sentAs,
				...('default' in expected ? { default: expected.default } : {}),
			},
		});
		if (expected.options)
			expect([...(is.options ?? [])].sort()).toEqual([...expected.options].sort());
		for (const word of expected.tells ?? []) expect(property.description).toContain(word);
	}
}

function typeOf({ type, typeOptions }: INodeProperties): string {
	if (type === 'fixedCollection') return 'objects';
	return typeOptions?.multipleValues ? 'list' : type;
}

describe('the properties are the documented parameters', () => {
	test('of Magnific', () => hold(declared({ provider: 'magnific' }), magnific));

	test.each(Object.keys(muleRouter))('of MuleRouter %s', (endpoint) => {
		hold(declared({ provider: 'muleRouter', endpoint }), muleRouter[endpoint]);
	});

	test.each([
		['videoList', videoListItem],
		['elements', elementItem],
	])('within %s', (name, documented) => {
		const list = declared({ provider: 'muleRouter', endpoint: 'videoToVideo' }).find(
			(property) => property.name === name,
		);
		const [{ values }] = list?.options as INodePropertyCollection[];
		hold(values as Declared[], documented);
	});

	test('and the mode of Magnific, which is part of the path', () => {
		const modes = properties.filter(({ name }) => name === 'mode');
		expect(
			modes.map(({ default: preset, displayOptions }) => [preset, displayOptions?.show?.provider]),
		).toEqual([
			['std', ['magnific']],
			['pro', ['muleRouter']],
		]);
	});

	test('named in camelCase after the wire name', () => {
		const all = ['videoToVideo', 'referenceVideoToVideo', 'videoEdit'].flatMap((endpoint) =>
			declared({ provider: 'muleRouter', endpoint }),
		);
		for (const { name, routing } of [...all, ...declared({ provider: 'magnific' })]) {
			const camel = routing?.send?.property?.replace(/_(\w)/g, (_, letter: string) =>
				letter.toUpperCase(),
			);
			// The one that differs: MuleRouter's `video` is the same thing as Magnific's `video_url`.
			expect(name).toBe(camel === 'video' ? 'videoUrl' : camel);
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
		const list = declared(scope).find((property) => property.name === name) as Declared;
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
