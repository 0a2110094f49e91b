import type { IExecuteFunctions } from 'n8n-workflow';
import { readChoice } from '../parameters/read';
import type { EndpointName } from '../task';
import type { Provider } from './provider';
import { allProviders, defaultProvider, providers } from './index';

/** The values of the parameter Provider; the first is its default. */
export const providerNames: readonly string[] = [
	defaultProvider,
	...allProviders.filter((provider) => provider !== defaultProvider),
].map(({ name }) => name);

/** @throws InvalidInput where an expression gives something else than the name of a provider */
export function readProvider(context: IExecuteFunctions, item: number): Provider {
	return providers[readChoice(context, item, 'provider', 'Provider', providerNames)];
}

/** @throws InvalidInput where the endpoint is none of the provider's */
export function readEndpoint(
	context: IExecuteFunctions,
	item: number,
	{ endpoints }: Provider,
): EndpointName {
	const [only, ...others] = endpoints;
	return others.length === 0 ? only : readChoice(context, item, 'endpoint', 'Endpoint', endpoints);
}
