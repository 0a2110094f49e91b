import type { INodeProperties } from 'n8n-workflow';
import { authentication } from '../../parameters/authentication';
import type { ApiProperty } from '../../parameters/declare';
import { sentAs } from '../../parameters/declare';
import {
	aspectRatio,
	duration,
	modeOptions,
	negativePrompt,
	prompt,
	videoBinaryPropertyName,
	videoUrl,
} from '../../parameters/common';
import type { RequestParameters, TriggerSetup } from '../provider';

/** The documented body of Magnific's "Kling 3 Omni - Video-to-video generation", and its two paths. */

/** Not in the body: the mode is the path's suffix. */
const mode: INodeProperties = {
	displayName: 'Mode',
	name: 'mode',
	type: 'options',
	options: modeOptions,
	default: 'std',
	description: 'Quality of the new video (default Standard)',
};

const additionalFields: ApiProperty[] = [
	{
		...aspectRatio,
		options: [
			{ name: '16:9 (Landscape)', value: '16:9' },
			{ name: '1:1 (Square)', value: '1:1' },
			{ name: '9:16 (Portrait)', value: '9:16' },
			{ name: 'Auto', value: 'auto', description: 'Follow the start image' },
		],
		description: 'Shape of the new video (default 16:9)',
	},
	{
		displayName: 'CFG Scale',
		name: 'cfgScale',
		type: 'number',
		typeOptions: { minValue: 0, numberPrecision: 2 },
		limits: { maxValue: 1 },
		default: 0.5,
		description:
			'How closely to follow the prompt, from 0 (free) to 1 (strict). The default is 0.5.',
		...sentAs('cfg_scale'),
	},
	// The API takes the number as a text.
	{ ...duration, wire: 'string' },
	{
		displayName: 'Image URL',
		name: 'imageUrl',
		type: 'string',
		default: '',
		placeholder: 'e.g. https://example.com/start.png',
		description:
			'The start frame: JPG or PNG, at least 300x300 px, at most 10 MB, as a public URL, a data URI, Base64 or the name of an input binary field',
		limits: { format: 'image' },
		...sentAs('image_url'),
	},
	{
		...negativePrompt,
		description:
			'What the new video should not show, at most 2500 characters (default: blur, distort, and low quality)',
		limits: { maxLength: 2500 },
	},
	{
		displayName: 'Webhook URL',
		name: 'webhookUrl',
		type: 'string',
		default: '',
		placeholder: 'e.g. https://example.com/webhook',
		description:
			'Address that Magnific calls whenever the task changes status, for example that of a Kling V2V Trigger',
		limits: { format: 'url' },
		...sentAs('webhook_url'),
	},
];

export const parameters: RequestParameters = {
	mode,
	prompt,
	main: [
		{ ...videoUrl, displayOptions: { show: { videoSource: ['url'] } } },
		{ ...videoBinaryPropertyName, displayOptions: { show: { videoSource: ['binary'] } } },
	],
	additionalFields,
};

export const trigger: TriggerSetup = {
	notice:
		'Open Webhook URLs above, and copy the Production URL into the Kling V2V Generate node that makes the videos: Additional Fields → Webhook URL, with When to Continue set to Return Task ID Immediately. Use it for tasks of Kling 3 Omni video to video only.',
	urlGoesInto: 'Webhook URL of Kling V2V Generate (Magnific)',
	authentication: { ...authentication, default: 'signature' },
};
