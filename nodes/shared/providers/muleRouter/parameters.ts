import type { INodeProperties } from 'n8n-workflow';
import { askTheApi, authentication, signature } from '../../parameters/authentication';
import type { EndpointName } from '../../task';
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

/**
 * The documented bodies of MuleRouter's three Kling V3 Omni endpoints: "Video to Video Generation",
 * and the newer reference and edit endpoints.
 */

/** For a property at the top level of the node. */
function onEndpoints(...endpoint: EndpointName[]) {
	return { show: { endpoint } };
}

function onEndpointsFrom(videoSource: string, ...endpoint: EndpointName[]) {
	return { show: { ...onEndpoints(...endpoint).show, videoSource: [videoSource] } };
}

/** For a property inside Additional Fields, which n8n resolves from the node's root by a slash. */
function withinEndpoints(...endpoint: EndpointName[]) {
	return { show: { '/endpoint': endpoint } };
}

const endpoint: INodeProperties = {
	displayName: 'Endpoint',
	name: 'endpoint',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Reference Video to Video',
			value: 'referenceVideoToVideo',
			description: 'A new video that follows one reference video',
		},
		{
			name: 'Video Edit',
			value: 'videoEdit',
			description: 'The reference video itself, changed as the prompt says; keeps its length',
		},
		{
			name: 'Video to Video',
			value: 'videoToVideo',
			description: 'A new video, which can have a first and a last frame; or an edit',
		},
	],
	default: 'videoToVideo',
	description: "Which of MuleRouter's Kling endpoints makes the video",
};

const mode: ApiProperty = {
	displayName: 'Mode',
	name: 'mode',
	type: 'options',
	options: modeOptions,
	default: 'pro',
	description: 'Quality of the new video (default Pro)',
	...sentAs('mode'),
};

const videoListItem: ApiProperty[] = [
	{ ...videoUrl, displayOptions: { show: { '/videoSource': ['url'] } } },
	{
		displayName: 'Refer Type',
		name: 'referType',
		type: 'options',
		options: [
			{
				name: 'Base',
				value: 'base',
				description: 'Edit this video: the result keeps its length, and takes no frames',
			},
			{
				name: 'Feature',
				value: 'feature',
				description: 'Take motion and style from this video',
			},
		],
		default: 'feature',
		description: 'What the reference video is used for',
		alwaysSent: true,
		...sentAs('refer_type'),
	},
	{
		displayName: 'Keep Original Sound',
		name: 'keepOriginalSound',
		type: 'boolean',
		default: false,
		description: 'Whether to keep the sound of the reference video (default off)',
		wire: 'yesNo',
		...sentAs('keep_original_sound'),
	},
];

const videoList: ApiProperty = {
	displayName: 'Reference Videos',
	name: 'videoList',
	type: 'fixedCollection',
	typeOptions: {
		multipleValues: true,
		fixedCollection: { itemTitle: '=@Video{{ $collection.item.index + 1 }}' },
	},
	placeholder: 'Add Reference Video',
	default: { videos: [{ videoUrl: '', referType: 'feature', keepOriginalSound: false }] },
	required: true,
	description: 'The video to start from; Kling takes exactly one',
	options: [{ displayName: 'Videos', name: 'videos', values: videoListItem }],
	limits: { minItems: 1 },
	displayOptions: onEndpoints('videoToVideo'),
	...sentAs('video_list'),
};

const imageLimits =
	'JPG or PNG as a URL, a data URI, Base64 or the name of an input binary field; at least 300 px, at most 10 MB, ratio 1:2.5 to 2.5:1';

const elementItem: ApiProperty[] = [
	{
		displayName: 'Frontal Image',
		name: 'frontalImage',
		type: 'string',
		default: '',
		description: `The element seen from the front: ${imageLimits}`,
		limits: { format: 'image' },
		...sentAs('frontal_image'),
	},
	{
		displayName: 'Reference Images',
		name: 'referenceImages',
		type: 'string',
		typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Image' },
		default: [],
		description: `Other views of the element, 1 to 3: ${imageLimits}`,
		limits: { maxItems: 3, format: 'image' },
		...sentAs('reference_images'),
	},
	{
		displayName: 'Reference Videos',
		name: 'referenceVideos',
		type: 'string',
		typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Video' },
		default: [],
		description: 'Public http(s) addresses of videos of the element',
		limits: { format: 'url' },
		...sentAs('reference_videos'),
	},
	{
		displayName: 'Type',
		name: 'type',
		type: 'options',
		options: [
			{ name: 'Image', value: 'image' },
			{
				name: 'Video',
				value: 'video',
				description: 'Documented, but Kling refuses it beside a reference video',
			},
		],
		default: 'image',
		description: 'What the element is made of',
		alwaysSent: true,
		...sentAs('type'),
	},
];

const additionalFields: ApiProperty[] = [
	{
		...aspectRatio,
		description: 'Shape of the new video',
		displayOptions: withinEndpoints('videoToVideo'),
	},
	{
		...aspectRatio,
		description:
			'Shape of the new video (default 16:9). MuleRouter asks for it, so it is always sent.',
		alwaysSent: true,
		displayOptions: withinEndpoints('referenceVideoToVideo'),
	},
	{
		...duration,
		displayOptions: withinEndpoints('videoToVideo', 'referenceVideoToVideo'),
	},
	{
		displayName: 'Elements',
		name: 'elements',
		type: 'fixedCollection',
		// A prompt names them by their place.
		typeOptions: {
			multipleValues: true,
			sortable: true,
			fixedCollection: { itemTitle: '=<<<element_{{ $collection.item.index + 1 }}>>>' },
		},
		placeholder: 'Add Element',
		default: {},
		description:
			'People, animals or things to use, at most 4 together with Images and frames. Write &lt;&lt;&lt;element_1&gt;&gt;&gt; in the prompt.',
		options: [{ displayName: 'Elements', name: 'elements', values: elementItem }],
		limits: { maxItems: 4 },
		...sentAs('elements'),
	},
	{
		displayName: 'First Frame',
		name: 'firstFrame',
		type: 'string',
		default: '',
		description: `The opening frame: ${imageLimits}. Not with Refer Type Base.`,
		limits: { format: 'image' },
		displayOptions: withinEndpoints('videoToVideo'),
		...sentAs('first_frame'),
	},
	{
		displayName: 'Images',
		name: 'images',
		type: 'string',
		typeOptions: {
			multipleValues: true,
			multipleValueButtonText: 'Add Image',
			sortable: true,
		},
		default: [],
		description: `Reference images, at most 4 together with Elements and frames: ${imageLimits}. Write &lt;&lt;&lt;image_1&gt;&gt;&gt; in the prompt.`,
		limits: { maxItems: 4, format: 'image' },
		...sentAs('images'),
	},
	{
		displayName: 'Last Frame',
		name: 'lastFrame',
		type: 'string',
		default: '',
		description: `The closing frame; needs a First Frame: ${imageLimits}`,
		limits: { format: 'image' },
		displayOptions: withinEndpoints('videoToVideo'),
		...sentAs('last_frame'),
	},
	negativePrompt,
];

export const parameters: RequestParameters = {
	endpoint,
	mode,
	prompt: { ...prompt, required: true },
	main: [
		videoList,
		{
			...videoBinaryPropertyName,
			...sentAs('video_url'),
			entryOf: 'video_list',
			displayOptions: onEndpointsFrom('binary', 'videoToVideo'),
		},
		{
			...videoUrl,
			...sentAs('video'),
			displayOptions: onEndpointsFrom('url', 'referenceVideoToVideo', 'videoEdit'),
		},
		{
			...videoBinaryPropertyName,
			...sentAs('video'),
			displayOptions: onEndpointsFrom('binary', 'referenceVideoToVideo', 'videoEdit'),
		},
		{
			displayName: 'Keep Audio',
			name: 'keepAudio',
			type: 'boolean',
			default: false,
			description: 'Whether to keep the sound of the reference video (default off)',
			displayOptions: onEndpoints('referenceVideoToVideo', 'videoEdit'),
			...sentAs('keep_audio'),
		},
	],
	additionalFields,
};

export const trigger: TriggerSetup = {
	notice:
		'Open Webhook URLs above, and add the Production URL in the MuleRouter console under Webhooks, with the events task.succeeded and task.failed. Callbacks about other models are ignored.',
	urlGoesInto: "MuleRouter's console",
	// It is not published how MuleRouter signs, and its callbacks do not say which endpoint has the task.
	authentication: {
		...authentication,
		options: [
			{ ...askTheApi, name: 'Ask API (Recommended)' },
			{
				...signature,
				description:
					'Check the signature, and ask the API as well. MuleRouter has not published how it signs, so this assumes the usual way (standardwebhooks.com); Ask API is recommended. Needs the Webhook Secret in the credential.',
			},
		],
	},
	runningEvent: 'task.created',
};
