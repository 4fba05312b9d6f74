//! try
use quadrille_simulator::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args[1] == "story" {
        print!("{}", simulate("orders", quadrille_simulation::orders::stage).story(args[2].parse().unwrap()));
        return;
    }
    let kinds = Kind::list(&args[1]).unwrap();
    let n: u64 = args[2].parse().unwrap();
    let from: u64 = args.get(3).map_or(0, |a| a.parse().unwrap());
    let t = std::time::Instant::now();
    let r = simulate("orders", quadrille_simulation::orders::stage).faults(&kinds).range(from..from + n).run();
    println!("{:?} {:?} {:.0}/s", r.done, t.elapsed(), r.done.seeds as f64 / t.elapsed().as_secs_f64());
    if let Some(f) = r.failure { println!("{f}\n{}", f.regression().to_toml()); }
}
