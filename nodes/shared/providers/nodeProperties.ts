import type { INodeProperties } from 'n8n-workflow';
import type { ApiProperty } from '../parameters/declare';
import { videoSource } from '../parameters/common';
import type { Provider } from './provider';
import { allProviders, defaultProvider } from './index';

/** All that the nodes show of the providers, derived from the registry. */

type Show = NonNullable<NonNullable<INodeProperties['displayOptions']>['show']>;

const { name: defaultName } = defaultProvider;

export const provider: INodeProperties = {
	displayName: 'Provider',
	name: 'provider',
	type: allProviders.length > 1 ? 'options' : 'hidden',
	noDataExpression: true,
	options: allProviders.map(({ label, name, description }) => ({
		name: label,
		value: name,
		...(description ? { description } : {}),
	})),
	default: defaultName,
	description: 'Whose API makes the video; each has its own key and prices',
};

/** @returns the property, shown only where one of the providers is chosen */
export function shownFor<T extends INodeProperties>(
	some: readonly Provider[],
	property: T,
	more: Show = {},
): T {
	const provider = some.map(({ name }) => name);
	const show = { provider, ...property.displayOptions?.show, ...more };
	return { ...property, displayOptions: { show } };
}

/** The parameter Endpoint, once for each provider that has several. */
export function endpointProperties(changes: Partial<INodeProperties> = {}, more: Show = {}) {
	return allProviders.flatMap((each) => {
		const { endpoint } = each.parameters;
		return endpoint ? [shownFor([each], { ...endpoint, ...changes }, more)] : [];
	});
}

/** The top level parameters of a provider that go into the body of its requests. */
export function bodyProperties({ parameters: { mode, prompt, main } }: Provider): ApiProperty[] {
	return [...(isSent(mode) ? [mode] : []), prompt, ...main];
}

/** @returns whether the value goes into the body of a request */
export function isSent(property: INodeProperties): property is ApiProperty {
	return property.routing?.send !== undefined;
}

function additionalFieldsOf(each: Provider): INodeProperties {
	return shownFor([each], {
		displayName: 'Additional Fields',
		name: 'additionalFields',
		type: 'collection',
		placeholder: 'Add Field',
		default: {},
		options: each.parameters.additionalFields,
	});
}

/** Everything that says what to make, in the order of the editor. */
export const requestProperties: INodeProperties[] = [
	provider,
	...endpointProperties(),
	...allProviders.map((each) => shownFor([each], each.parameters.mode)),
	...allProviders.map((each) => shownFor([each], each.parameters.prompt)),
	videoSource,
	...allProviders.flatMap((each) =>
		each.parameters.main.map((property) => shownFor([each], property)),
	),
	...allProviders.map(additionalFieldsOf),
];

/** The label of the chosen provider, as a piece of an expression in a subtitle. */
export const labelExpression = [
	...allProviders
		.filter((each) => each !== defaultProvider)
		.map(({ name, label }) => `$parameter["provider"] === "${name}" ? "${label}" : `),
	`"${defaultProvider.label}"`,
].join('');
