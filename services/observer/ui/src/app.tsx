// Which screen the address asks for, inside the shell that all screens share.
import { FindScreen } from "./features/find/screen";
import { FlowScreen } from "./features/flow/screen";
import { FlowsScreen } from "./features/flows/screen";
import { ServicesScreen } from "./features/services/screen";
import { Shell } from "./features/shell/shell";
import { ALL_FLOWS } from "./model/address";
import { useTopics } from "./parts/live";
import { Go, useAddress } from "./parts/router";
import { Panel } from "./parts/states";

export function App() {
  const address = useAddress();
  return (
    <Shell address={address}>
      {address.screen === "flows" && <FlowsScreen address={address} />}
      {address.screen === "flow" && <FlowScreen key={address.id} address={address} />}
      {address.screen === "services" && <ServicesScreen address={address} />}
      {address.screen === "find" && <FindScreen key={address.q} q={address.q} />}
      {address.screen === "nowhere" && <Nowhere path={address.path} />}
    </Shell>
  );
}

function Nowhere({ path }: { path: string }) {
  useTopics([], {});
  return (
    <>
      <h1 className="unseen">Page not found</h1>
      <Panel icon="unknown" title="There is no such page">
        <p>
          <code>{path}</code> leads nowhere.
        </p>
        <Go className="button" to={ALL_FLOWS}>
          All flows
        </Go>
      </Panel>
    </>
  );
}
