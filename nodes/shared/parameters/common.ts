import type { INodeProperties } from 'n8n-workflow';
import type { ApiProperty } from './declare';
import { sentAs } from './declare';

/** Documented alike by both providers: the longest prompt, in characters. */
const MAX_PROMPT = 2500;

/** Both bring it; each says for itself whether it is required. */
export const prompt: ApiProperty = {
	displayName: 'Prompt',
	name: 'prompt',
	type: 'string',
	typeOptions: { rows: 4 },
	default: '',
	placeholder: 'e.g. Follow the motion of @Video1, as a watercolour painting',
	description:
		'What the new video should show, at most 2500 characters. Write @Video1 where you mean the reference video.',
	builderHint: { propertyHint: 'Must mention the reference video as @Video1' },
	limits: { maxLength: MAX_PROMPT },
	...sentAs('prompt'),
};

export const negativePrompt: ApiProperty = {
	displayName: 'Negative Prompt',
	name: 'negativePrompt',
	type: 'string',
	typeOptions: { rows: 2 },
	default: '',
	placeholder: 'e.g. text, watermark',
	description: 'What the new video should not show',
	...sentAs('negative_prompt'),
};

/** Seconds, whole ones; the default is the API's. */
export const duration: ApiProperty = {
	displayName: 'Duration',
	name: 'duration',
	type: 'number',
	typeOptions: { minValue: 3, numberPrecision: 0 },
	limits: { maxValue: 15 },
	default: 5,
	description:
		'Length of the new video in whole seconds, from 3 to 15 (default 5). Above 10, Kling may refuse a reference video.',
	...sentAs('duration'),
};

/** The parameter that decides how a video gets to the provider; no API knows it. */
export const videoSource: INodeProperties = {
	displayName: 'Reference Video',
	name: 'videoSource',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Binary File',
			value: 'binary',
			description: 'A file of the input item; it is handed on to the provider',
		},
		{ name: 'URL', value: 'url', description: 'A public address that the provider fetches' },
	],
	default: 'url',
	description: 'Where the reference video comes from',
};

export const videoBinaryPropertyName: ApiProperty = {
	displayName: 'Input Binary Field',
	name: 'videoBinaryPropertyName',
	type: 'string',
	typeOptions: { binaryDataProperty: true },
	default: 'data',
	required: true,
	hint: 'The name of the input binary field with the reference video, or an expression that gives the file itself',
	description:
		'The reference video: 3 to 10 seconds, 720 to 2160 px, 24 to 60 frames a second, at most 200 MB, MP4 or MOV',
	limits: { format: 'videoField' },
	alwaysSent: true,
	...sentAs('video_url'),
};

export const videoUrl: ApiProperty = {
	displayName: 'Video URL',
	name: 'videoUrl',
	type: 'string',
	default: '',
	required: true,
	placeholder: 'e.g. https://example.com/reference.mp4',
	description:
		'Public http(s) address of the reference video: 3 to 10 seconds, 720 to 2160 px, 24 to 60 frames a second, at most 200 MB, MP4 or MOV',
	builderHint: {
		propertyHint: 'A link to the file itself, which works without a log-in; never a web page',
	},
	limits: { format: 'video' },
	...sentAs('video_url'),
};

export const aspectRatio: ApiProperty = {
	displayName: 'Aspect Ratio',
	name: 'aspectRatio',
	type: 'options',
	options: [
		{ name: '16:9 (Landscape)', value: '16:9' },
		{ name: '1:1 (Square)', value: '1:1' },
		{ name: '9:16 (Portrait)', value: '9:16' },
	],
	default: '16:9',
	description: 'Shape of the new video',
	...sentAs('aspect_ratio'),
};

export const modeOptions: INodeProperties['options'] = [
	{ name: 'Pro', value: 'pro', description: 'Higher quality' },
	{ name: 'Standard', value: 'std', description: 'Faster, at slightly lower quality' },
];
