import type { INodeCredentialDescription } from 'n8n-workflow';
import { allProviders } from './index';

/**
 * The key of the chosen provider. By `hide`, not `show`: where conditions of credentials cover every
 * value of a parameter, the editor takes that parameter for a choice of authentication and hides it.
 */
export const credentials: INodeCredentialDescription[] = allProviders.map((provider) => ({
	name: provider.credential,
	required: true,
	displayOptions: {
		hide: { provider: allProviders.filter((each) => each !== provider).map(({ name }) => name) },
	},
}));
