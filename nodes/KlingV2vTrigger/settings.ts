import type { IWebhookFunctions } from 'n8n-workflow';
import type { CallbackEvent } from '../shared/wait/callback';
import { InvalidInput } from '../shared/errors';
import { defaultProvider, isProviderName, providers } from '../shared/providers';
import type { Provider } from '../shared/providers';
import { providerNames } from '../shared/providers/choice';
import { events } from './properties';

/** The user's choices that a callback depends on. */
export interface Settings {
	provider: Provider;
	events: CallbackEvent[];
	/** A signature is asked for; otherwise the API is. */
	isSigned: boolean;
}

export function readSettings(context: Pick<IWebhookFunctions, 'getNodeParameter'>): Settings {
	const name = context.getNodeParameter('provider', defaultProvider.name);
	if (!isProviderName(name)) {
		throw new InvalidInput([`Provider must be one of ${providerNames.join(', ')}`]);
	}
	const provider = providers[name];
	const { authentication } = provider.trigger;
	return {
		provider,
		events: context.getNodeParameter(events.name, events.default) as CallbackEvent[],
		isSigned: context.getNodeParameter(authentication.name, authentication.default) === 'signature',
	};
}
