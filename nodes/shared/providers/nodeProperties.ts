import type { INodeProperties } from 'n8n-workflow';
import type { ProviderName } from '../task';
import type { ApiProperty } from '../parameters/apiProperty';
import { videoSource } from '../parameters/common';
import { magnificProperties } from './magnific/parameters';
import { endpoint, muleRouterProperties } from './muleRouter/parameters';

export const provider: INodeProperties = {
	displayName: 'Provider',
	name: 'provider',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Magnific',
			value: 'magnific',
			description: 'Formerly the Freepik API',
		},
		{ name: 'MuleRouter', value: 'muleRouter' },
	],
	default: 'magnific',
	description: 'Whose API makes the video; each has its own key and prices',
};

/** The documented parameters of a request, by provider. */
export const apiProperties: Record<
	ProviderName,
	{ mode: INodeProperties; body: ApiProperty[]; additionalFields: ApiProperty[] }
> = {
	magnific: magnificProperties,
	muleRouter: muleRouterProperties,
};

function additionalFieldsOf({
	additionalFields,
	displayOptions,
}: {
	additionalFields: ApiProperty[];
	displayOptions: INodeProperties['displayOptions'];
}): INodeProperties {
	return {
		displayName: 'Additional Fields',
		name: 'additionalFields',
		type: 'collection',
		placeholder: 'Add Field',
		default: {},
		options: additionalFields,
		displayOptions,
	};
}

const own: INodeProperties[] = [
	magnificProperties.mode,
	...magnificProperties.body,
	...muleRouterProperties.body,
];
const first = ['mode', 'prompt'].flatMap((name) => own.filter((each) => each.name === name));

/** Everything that says what to make, in the order the editor shows it, alike for both providers. */
export const requestProperties: INodeProperties[] = [
	provider,
	endpoint,
	...first,
	videoSource,
	...own.filter((each) => !first.includes(each)),
	additionalFieldsOf(magnificProperties),
	additionalFieldsOf(muleRouterProperties),
];

export { endpoint };
export type { ApiProperty } from '../parameters/apiProperty';
